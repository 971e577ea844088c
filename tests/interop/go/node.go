package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"sort"
	"strings"
	"syscall"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/connmgr"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/record"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"
	"github.com/multiformats/go-multiaddr"
)

const (
	protocolVersion = "starling-interop/1.0.0"
	libp2pModule    = "github.com/libp2p/go-libp2p"
)

func list(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' })
}

func privateKey(o *options) (crypto.PrivKey, error) {
	if o.seed != "" {
		seed := sha256.Sum256([]byte("starling-interop-" + o.seed))
		key, _, err := crypto.GenerateEd25519Key(strings.NewReader(string(seed[:])))
		return key, err
	}
	kinds := map[string]int{
		"ed25519": crypto.Ed25519, "secp256k1": crypto.Secp256k1, "ecdsa": crypto.ECDSA, "rsa": crypto.RSA,
	}
	kind, known := kinds[strings.ToLower(o.keyType)]
	if !known {
		return nil, fmt.Errorf("%w: unknown --key-type %q", errUsage, o.keyType)
	}
	key, _, err := crypto.GenerateKeyPairWithReader(kind, 2048, rand.Reader)
	return key, err
}

// newHost makes a node with the options of the command line; only servers listen.
func newHost(o *options, listen bool) (host.Host, error) {
	key, err := privateKey(o)
	if err != nil {
		return nil, err
	}
	opts, err := stackOptions(o)
	if err != nil {
		return nil, err
	}
	if listen {
		opts = append(opts, libp2p.ListenAddrStrings(listenAddresses(o)...))
	} else {
		opts = append(opts, libp2p.NoListenAddrs)
	}
	// The test opens thousands of streams and connections from one address.
	opts = append(opts,
		libp2p.Identity(key),
		libp2p.ResourceManager(&network.NullResourceManager{}),
		libp2p.ConnectionManager(connmgr.NullConnMgr{}),
		libp2p.ProtocolVersion(protocolVersion),
		libp2p.UserAgent(agentVersion()),
		libp2p.DisableRelay(),
		libp2p.DisableMetrics(),
	)
	h, err := libp2p.New(opts...)
	if err != nil {
		return nil, err
	}
	serve(h, o)
	if !o.quiet {
		observe(h)
	}
	return h, nil
}

func observe(h host.Host) {
	report := func(name string) func(network.Network, network.Conn) {
		return func(_ network.Network, c network.Conn) {
			emit(name, fields{
				"id": c.ID(), "peer": c.RemotePeer().String(), "addr": c.RemoteMultiaddr().String(),
				"localAddr": c.LocalMultiaddr().String(), "direction": strings.ToLower(c.Stat().Direction.String()),
				"security": shortName(string(c.ConnState().Security)), "muxer": shortName(string(c.ConnState().StreamMultiplexer)),
			})
		}
	}
	h.Network().Notify(&network.NotifyBundle{ConnectedF: report("connection-open"), DisconnectedF: report("connection-close")})
}

// shortName turns /tls/1.0.0 into tls.
func shortName(protocol string) string {
	return strings.Split(strings.TrimPrefix(protocol, "/"), "/")[0]
}

func fullAddrs(h host.Host) []string {
	addrs := []string{}
	bound, err := h.Network().InterfaceListenAddresses()
	if err != nil {
		return addrs
	}
	for _, a := range bound {
		addrs = append(addrs, fmt.Sprintf("%s/p2p/%s", a, h.ID()))
	}
	return addrs
}

// versions lists what this program was built with.
func versions() map[string]string {
	found := map[string]string{}
	if info, ok := debug.ReadBuildInfo(); ok {
		found["go"] = info.GoVersion
		for _, m := range info.Deps {
			if m.Path == libp2pModule || strings.HasPrefix(m.Path, "github.com/libp2p/go-yamux") {
				found[m.Path] = m.Version
			}
		}
	}
	return found
}

func agentVersion() string { return "go-libp2p/" + versions()[libp2pModule] }

func announceReady(h host.Host, o *options) {
	protocols := []string{}
	for _, p := range h.Mux().Protocols() {
		protocols = append(protocols, string(p))
	}
	sort.Strings(protocols)
	addrs := []string{}
	for _, a := range h.Addrs() {
		addrs = append(addrs, a.String())
	}
	emit("ready", fields{
		"pid": os.Getpid(), "peerId": h.ID().String(), "addrs": addrs, "listening": fullAddrs(h),
		"protocols": protocols, "protocolVersion": protocolVersion, "agentVersion": agentVersion(),
		"transport": list(o.transport), "security": list(o.security), "muxer": list(o.muxer), "versions": versions(),
	})
}

// dial connects to --peer and reports what was negotiated.
func dial(ctx context.Context, h host.Host, o *options) (network.Conn, error) {
	info, err := remote(o)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	if err := h.Connect(ctx, *info); err != nil {
		return nil, err
	}
	conns := h.Network().ConnsToPeer(info.ID)
	if len(conns) == 0 {
		return nil, fmt.Errorf("connection to %s went away at once", info.ID)
	}
	c := conns[0]
	if !o.quiet {
		emit("dialed", fields{
			"addr": o.peer, "peer": info.ID.String(), "ms": milliseconds(time.Since(start)),
			"security": shortName(string(c.ConnState().Security)), "muxer": shortName(string(c.ConnState().StreamMultiplexer)),
			"localAddr": c.LocalMultiaddr().String(),
		})
	}
	return c, nil
}

func remote(o *options) (*peer.AddrInfo, error) {
	if o.peer == "" {
		return nil, fmt.Errorf("%w: this mode needs --peer", errUsage)
	}
	info, err := peer.AddrInfoFromString(o.peer)
	if err != nil {
		return nil, fmt.Errorf("%w: --peer %s: %v", errUsage, o.peer, err)
	}
	return info, nil
}

func runListen(_ context.Context, o *options) error {
	h, err := newHost(o, true)
	if err != nil {
		return err
	}
	announceReady(h, o)
	emit("stopping", fields{"reason": waitForEnd(o)})
	return h.Close()
}

func waitForEnd(o *options) string {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	closed := make(chan struct{})
	if o.stdin {
		go func() {
			io.Copy(io.Discard, os.Stdin)
			close(closed)
		}()
	}
	select {
	case s := <-signals:
		return s.String()
	case <-closed:
		return "stdin"
	case <-time.After(time.Duration(o.duration * float64(time.Second))):
		return "duration"
	}
}

func runIdentify(ctx context.Context, o *options) error {
	h, err := newHost(o, false)
	if err != nil {
		return err
	}
	defer h.Close()
	announceReady(h, o)
	events, err := h.EventBus().Subscribe(
		[]any{new(event.EvtPeerIdentificationCompleted), new(event.EvtPeerIdentificationFailed)}, eventbus.BufSize(16))
	if err != nil {
		return err
	}
	return within(ctx, o, "identify", func(ctx context.Context) error {
		if _, err := dial(ctx, h, o); err != nil {
			return err
		}
		switch e := (<-events.Out()).(type) {
		case event.EvtPeerIdentificationCompleted:
			return reportIdentify(h, e)
		case event.EvtPeerIdentificationFailed:
			return fmt.Errorf("identify: %w", e.Reason)
		}
		return fmt.Errorf("identify: unknown event")
	})
}

func reportIdentify(h host.Host, e event.EvtPeerIdentificationCompleted) error {
	addresses := func(in []multiaddr.Multiaddr) []string {
		out := []string{}
		for _, a := range in {
			out = append(out, a.String())
		}
		return out
	}
	result := fields{
		"peer": e.Peer.String(), "agentVersion": e.AgentVersion, "protocolVersion": e.ProtocolVersion,
		"protocols": e.Protocols, "listenAddrs": addresses(e.ListenAddrs), "observedAddr": nil, "signedPeerRecord": nil,
	}
	if e.ObservedAddr != nil {
		result["observedAddr"] = e.ObservedAddr.String()
	}
	if key := h.Peerstore().PubKey(e.Peer); key != nil {
		result["keyType"] = key.Type().String()
	}
	if e.SignedPeerRecord != nil {
		r, err := e.SignedPeerRecord.Record()
		if err != nil {
			return fmt.Errorf("signed peer record: %w", err)
		}
		result["signedPeerRecord"] = describeRecord(r, addresses)
	}
	emit("identify", result)
	return nil
}

func describeRecord(r record.Record, addresses func([]multiaddr.Multiaddr) []string) fields {
	p := r.(*peer.PeerRecord)
	return fields{"peer": p.PeerID.String(), "seq": fmt.Sprint(p.Seq), "addrs": addresses(p.Addrs)}
}
