"""A web server for the tests of notices: writes each request as a line of JSON, and answers what it is told to.

    receiver.py PORT-FILE LOG-FILE STATUS-FILE

STATUS-FILE holds a status code, or `hang`.
"""
import http.server
import json
import sys
import time

port_file, log_file, status_file = sys.argv[1:4]


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        with open(log_file, "a") as log:
            log.write(json.dumps({"path": self.path, "headers": dict(self.headers), "body": body}) + "\n")
        answer = open(status_file).read().strip()
        if answer == "hang":
            time.sleep(600)
        self.send_response(int(answer))
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
with open(port_file + ".new", "w") as file:
    file.write(str(server.server_port))
import os

os.rename(port_file + ".new", port_file)
server.serve_forever()
