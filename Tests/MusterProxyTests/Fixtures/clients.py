"""Drives a running proxy with clients that other people wrote for Toxiproxy. Usage: clients.py API_PORT"""
import socket
import sys
import threading

from chaostoxi.proxy.actions import create_proxy, delete_proxy, disable_proxy, enable_proxy, reset
from chaostoxi.proxy.probes import proxy_exist
from chaostoxi.toxic.actions import create_latency_toxic, create_toxic, delete_toxic
from toxiproxy import Toxiproxy
from toxiproxy.exceptions import InvalidToxic, NotFound, ProxyExists

port = int(sys.argv[1])


def echo():
    """A server that sends back what it gets; returns its port."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            client, _ = server.accept()
            threading.Thread(target=lambda c=client: c.sendall(c.recv(100)), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    return server.getsockname()[1]


def through(listen):
    with socket.create_connection(("127.0.0.1", int(listen.rsplit(":", 1)[1])), timeout=30) as client:
        client.sendall(b"hello")
        return client.recv(100)


def refused(error, call, *arguments, **named):
    try:
        call(*arguments, **named)
    except error:
        return True
    return False


def toxiproxy_python(upstream):
    api = Toxiproxy()
    api.update_api_consumer("127.0.0.1", port)
    assert api.running()
    assert b'"version": "2.12.0"' in api.version()
    proxy = api.create(upstream=f"127.0.0.1:{upstream}", name="py")
    assert proxy.enabled and through(proxy.listen) == b"hello"
    assert refused(ProxyExists, api.create, upstream="127.0.0.1:1", name="py")
    proxy.add_toxic(type="latency", attributes={"latency": 10, "jitter": 2})
    assert proxy.get_toxic("latency_downstream").attributes == {"latency": 10, "jitter": 2}
    assert refused(InvalidToxic, proxy.add_toxic, type="nope")
    assert through(proxy.listen) == b"hello"
    assert proxy.destroy_toxic("latency_downstream") and proxy.toxics() == {}
    assert refused(NotFound, proxy.destroy_toxic, "latency_downstream")
    with proxy.down():
        assert not api.get_proxy("py").enabled
        assert refused(OSError, through, proxy.listen)
    assert through(proxy.listen) == b"hello"
    api.populate([{"name": "pop", "upstream": f"127.0.0.1:{upstream}", "listen": "127.0.0.1:0"}])
    assert set(api.proxies()) == {"py", "pop"}
    assert api.reset()
    api.destroy_all()
    assert api.proxies() == {}
    print("toxiproxy-python: well")


def chaostoolkit(upstream):
    settings = {"toxiproxy_url": f"http://127.0.0.1:{port}"}
    assert create_proxy("ctk", "127.0.0.1", upstream, "127.0.0.1", 0, True, settings)
    listen = f"127.0.0.1:{settings['ctk_PORT']}"
    assert proxy_exist("ctk", settings)
    assert create_latency_toxic(for_proxy="ctk", toxic_name="slow", latency=10, jitter=0, configuration=settings)
    assert create_toxic("ctk", "cut", "limit_data", attributes={"bytes": 2}, configuration=settings)
    assert through(listen) == b"he"
    assert delete_toxic("ctk", "cut", settings)
    assert disable_proxy("ctk", settings) and refused(OSError, through, listen)
    assert enable_proxy("ctk", settings) and through(listen) == b"hello"
    reset(settings)
    delete_proxy("ctk", settings)
    assert not proxy_exist("ctk", settings)
    print("chaostoolkit-toxiproxy: well")


server = echo()
toxiproxy_python(server)
chaostoolkit(server)
