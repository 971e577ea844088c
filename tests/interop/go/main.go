// gopeer is a scriptable go-libp2p node, used as an interop counterpart.
//
// One process is one node in one role ("mode"). It speaks the flags, JSON lines
// and exit codes described in ../README.md, as the js and rust peers do.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
)

// Exit codes, the same for every peer.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitTimeout     = 3
	exitUnavailable = 4
)

var (
	errUsage       = errors.New("usage")
	errUnavailable = errors.New("not available")
)

type options struct {
	transport, security, muxer string
	host                       string
	port                       int
	keyType                    string
	seed, psk, flaw            string
	tlsCert, tlsKey, tlsCA     string
	peer                       string
	timeout, duration, limit   float64
	stdin                      bool
	count, size, open          int
	upload, download           uint64
	chunk                      int
	streams, connections       int
	check, quiet, load, keep   bool
}

var started = time.Now()

var outputLock sync.Mutex

// emit prints one event as a JSON line; t is milliseconds since the start.
func emit(event string, fields map[string]any) {
	line := map[string]any{"t": time.Since(started).Milliseconds(), "event": event}
	for name, value := range fields {
		line[name] = value
	}
	text, err := json.Marshal(line)
	if err != nil {
		panic(err)
	}
	outputLock.Lock()
	defer outputLock.Unlock()
	os.Stdout.Write(append(text, '\n'))
}

type fields = map[string]any

func milliseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }

var modes = map[string]func(context.Context, *options) error{
	"listen":             runListen,
	"perf-server":        runListen,
	"identify":           runIdentify,
	"ping":               runPing,
	"connect":            runConnect,
	"echo":               runEcho,
	"half-close":         runHalfClose,
	"streams":            runStreams,
	"crowd":              runCrowd,
	"reset":              runReset,
	"close-during-write": runCloseDuringWrite,
	"hold":               runHold,
	"perf-client":        runPerf,
	"rr":                 runRequests,
	"tls-attack":         runAttack,
	"transport":          runTransport,
}

func parse(args []string) (string, *options, error) {
	o := &options{}
	set := flag.NewFlagSet("gopeer <mode>", flag.ContinueOnError)
	set.StringVar(&o.transport, "transport", "tcp", "comma list of tcp, quic-v1, ws, wss")
	set.StringVar(&o.security, "security", "noise", "comma list of noise, tls, plaintext")
	set.StringVar(&o.muxer, "muxer", "yamux", "yamux")
	set.StringVar(&o.host, "host", "127.0.0.1", "address to listen on")
	set.IntVar(&o.port, "port", 0, "port to listen on")
	set.StringVar(&o.keyType, "key-type", "Ed25519", "Ed25519, secp256k1, ECDSA or RSA")
	set.StringVar(&o.seed, "seed", "", "derive a fixed Ed25519 key from this text")
	set.StringVar(&o.psk, "psk", "", "key file of the private network")
	set.StringVar(&o.tlsCert, "tls-cert", "", "wss server: certificate chain, PEM")
	set.StringVar(&o.tlsKey, "tls-key", "", "wss server: key of the certificate, PEM")
	set.StringVar(&o.tlsCA, "tls-ca", "", "wss client: whom to believe, PEM (nobody is checked without)")
	set.StringVar(&o.flaw, "flaw", "good", "tls-attack: what is wrong with the certificate")
	set.StringVar(&o.peer, "peer", "", "multiaddr to dial, ending in /p2p/ID")
	set.Float64Var(&o.timeout, "timeout", 30, "seconds a client operation may take")
	set.Float64Var(&o.duration, "duration", 60, "seconds a server stays up")
	set.BoolVar(&o.stdin, "stdin", false, "stop when stdin is closed")
	set.IntVar(&o.count, "count", 0, "round trips (10), runs (1), connections (10) or streams (1000)")
	set.IntVar(&o.open, "open", 0, "streams, rr: how many may be open at the same time (all; one per connection)")
	set.IntVar(&o.size, "size", 0, "echo, half-close, streams: payload bytes (1000)")
	set.Uint64Var(&o.upload, "upload", 0, "perf: bytes to send")
	set.Uint64Var(&o.download, "download", 0, "perf: bytes to receive")
	set.IntVar(&o.chunk, "chunk", 65536, "perf: bytes per write")
	set.Float64Var(&o.limit, "for", 0, "ping, connect, rr: no more after so many seconds (as many as asked for)")
	set.IntVar(&o.streams, "streams", 1, "perf: streams that share the bytes")
	set.IntVar(&o.connections, "connections", 1, "rr: connections, each of a node of its own")
	set.BoolVar(&o.load, "load", false, "ping: while another stream of the connection uploads")
	set.BoolVar(&o.keep, "keep", false, "rr: a stream for many requests instead of one for each")
	set.BoolVar(&o.check, "check", false, "perf: compare every byte with the test pattern")
	set.BoolVar(&o.quiet, "quiet", false, "only summaries")
	usage := func() string {
		names := []string{}
		for name := range modes {
			names = append(names, name)
		}
		return "modes: " + strings.Join(names, ", ")
	}
	if len(args) == 0 || modes[args[0]] == nil {
		return "", nil, fmt.Errorf("%w: the first argument must be a mode; %s", errUsage, usage())
	}
	if err := set.Parse(args[1:]); err != nil {
		return "", nil, fmt.Errorf("%w: %v", errUsage, err)
	}
	if set.NArg() > 0 {
		return "", nil, fmt.Errorf("%w: unexpected argument %q", errUsage, set.Arg(0))
	}
	return args[0], o, nil
}

// end is when --for is over; without it, in the far future.
func (o *options) end() time.Time {
	if o.limit == 0 {
		return time.Now().AddDate(30, 0, 0)
	}
	return time.Now().Add(time.Duration(o.limit * float64(time.Second)))
}

// within runs a client operation under --timeout.
func within(ctx context.Context, o *options, what string, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(o.timeout*float64(time.Second)))
	defer cancel()
	result := make(chan error, 1)
	go func() { result <- f(ctx) }()
	select {
	case err := <-result:
		return err
	case <-ctx.Done():
		return fmt.Errorf("%s: not done within %v s: %w", what, o.timeout, context.DeadlineExceeded)
	}
}

func exitCode(err error) int {
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errUsage):
		return exitUsage
	case errors.Is(err, errUnavailable):
		return exitUnavailable
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return exitTimeout
	}
	return exitFailed
}

func main() {
	mode, o, err := parse(os.Args[1:])
	if err == nil {
		err = modes[mode](context.Background(), o)
	}
	if err != nil {
		if mode == "transport" {
			fmt.Fprintln(os.Stderr, err)
		} else {
			emit("error", fields{"message": err.Error()})
		}
		os.Exit(exitCode(err))
	}
	if mode != "transport" {
		emit("done", fields{"mode": mode, "ok": true})
	}
}
