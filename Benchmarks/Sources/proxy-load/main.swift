import Glibc

// What proxies are measured with. Each but the first prints one line of JSON.
//
//   proxy-load serve                             the server behind the proxy
//   proxy-load round-trips PORT COUNT            nanoseconds
//   proxy-load bulk PORT SECONDS                 one connection, from the server
//   proxy-load connections PORT SECONDS          one after the other
//   proxy-load idle PORT COUNT                   keeps them open until its input ends
//   proxy-load spread PORT COUNT PER-SECOND SECONDS   round trips over many connections

let words = CommandLine.arguments.dropFirst()
let numbers = words.dropFirst().compactMap { Double($0) }
signal(SIGPIPE, SIG_IGN)
switch (words.first, numbers.count) {
case ("serve", 0): serve()
case ("round-trips", 2): roundTrips(Int(numbers[0]), count: Int(numbers[1]))
case ("bulk", 2): bulk(Int(numbers[0]), seconds: numbers[1])
case ("connections", 2): connections(Int(numbers[0]), seconds: numbers[1])
case ("idle", 2): idle(Int(numbers[0]), count: Int(numbers[1]))
case ("spread", 4):
    spread(Int(numbers[0]), count: Int(numbers[1]), perSecond: Int(numbers[2]), seconds: numbers[3])
default: fail("proxy-load: see its source for its words")
}
