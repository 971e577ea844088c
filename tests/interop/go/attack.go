package main

// A peer whose TLS certificate is broken in one of the ways that the libp2p TLS
// specification forbids, over TCP or QUIC, as a client and as a server.

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2ptls "github.com/libp2p/go-libp2p/p2p/security/tls"
	"github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
	"github.com/multiformats/go-multistream"
	"github.com/quic-go/quic-go"
)

// flaws are what --flaw may be; good is the control.
var flaws = []string{
	"good", "expired", "not-yet-valid", "no-extension", "garbage-extension", "foreign-signature", "signature-without-prefix",
	"unknown-critical-extension", "two-certificates", "not-self-signed", "no-certificate", "tls-1.2", "wrong-alpn", "wrong-peer",
}

const verdictAfter = 5 * time.Second

var unknownOID = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 53594, 1, 999}

// runAttack handshakes with --peer, or listens when there is none.
func runAttack(ctx context.Context, o *options) error {
	if !slices.Contains(flaws, o.flaw) {
		return fmt.Errorf("%w: --flaw is one of %s", errUsage, strings.Join(flaws, ", "))
	}
	config, id, err := flawedConfig(o)
	if err != nil {
		return err
	}
	overQUIC := o.transport == "quic-v1"
	if o.peer != "" {
		return attackPeer(ctx, o, config, overQUIC)
	}
	if overQUIC {
		return attackQUICDialers(ctx, o, config, id)
	}
	return attackTCPDialers(o, config, id)
}

// flawedConfig returns the TLS configuration and the peer id to announce.
func flawedConfig(o *options) (*tls.Config, peer.ID, error) {
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		return nil, "", err
	}
	id, _ := peer.IDFromPrivateKey(key)
	config := &tls.Config{
		MinVersion: tls.VersionTLS13, InsecureSkipVerify: true, ClientAuth: tls.RequireAnyClientCert,
		NextProtos: []string{"/yamux/1.0.0", "libp2p"}, SessionTicketsDisabled: true,
	}
	switch o.flaw {
	case "tls-1.2":
		config.MinVersion, config.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
	case "wrong-alpn":
		config.NextProtos = []string{"h3"}
	case "wrong-peer":
		other, _, _ := crypto.GenerateEd25519Key(rand.Reader)
		id, _ = peer.IDFromPrivateKey(other)
	case "no-certificate":
		return config, id, nil
	}
	certificate, err := flawedCertificate(key, o.flaw)
	config.Certificates = []tls.Certificate{certificate}
	return config, id, err
}

func flawedCertificate(host crypto.PrivKey, flaw string) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	now := time.Now()
	template := &x509.Certificate{SerialNumber: big.NewInt(now.UnixNano()), NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0)}
	switch flaw {
	case "expired":
		template.NotBefore, template.NotAfter = now.AddDate(-2, 0, 0), now.Add(-time.Hour)
	case "not-yet-valid":
		template.NotBefore = now.Add(24 * time.Hour)
	}
	if template.ExtraExtensions, err = flawedExtensions(host, key, flaw); err != nil {
		return tls.Certificate{}, err
	}
	signer, parent := key, template
	if flaw == "not-self-signed" {
		if signer, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			return tls.Certificate{}, err
		}
		parent = &x509.Certificate{Subject: pkix.Name{CommonName: "somebody else"}}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	chain := [][]byte{der}
	if flaw == "two-certificates" {
		chain = append(chain, der)
	}
	return tls.Certificate{Certificate: chain, PrivateKey: key}, err
}

func flawedExtensions(host crypto.PrivKey, key *ecdsa.PrivateKey, flaw string) ([]pkix.Extension, error) {
	signed := &key.PublicKey
	if flaw == "foreign-signature" {
		other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return nil, err
		}
		signed = &other.PublicKey
	}
	extension, err := libp2ptls.GenerateSignedExtension(host, signed)
	if err != nil {
		return nil, err
	}
	switch flaw {
	case "no-extension":
		return nil, nil
	case "garbage-extension":
		extension.Value = []byte("not a SignedKey at all")
	case "signature-without-prefix":
		spki, _ := x509.MarshalPKIXPublicKey(&key.PublicKey)
		signature, _ := host.Sign(spki)
		public, _ := crypto.MarshalPublicKey(host.GetPublic())
		extension.Value, err = asn1.Marshal(struct{ Key, Signature []byte }{public, signature})
	case "unknown-critical-extension":
		return []pkix.Extension{extension, {Id: unknownOID, Critical: true, Value: []byte{5, 0}}}, nil
	}
	return []pkix.Extension{extension}, err
}

func quicALPN(config *tls.Config) *tls.Config {
	config = config.Clone()
	if config.NextProtos[0] != "h3" {
		config.NextProtos = []string{"libp2p"}
	}
	return config
}

// attackPeer says "refused" with the reason, or "accepted".
func attackPeer(ctx context.Context, o *options, config *tls.Config, overQUIC bool) error {
	info, err := remote(o)
	if err != nil {
		return err
	}
	network, address, err := manet.DialArgs(info.Addrs[0])
	if err != nil {
		return err
	}
	attack := attackTCPListener
	if overQUIC {
		attack = attackQUICListener
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(o.timeout*float64(time.Second)))
	defer cancel()
	refusal := attack(ctx, network, address, config)
	switch {
	case refusal == nil:
		emit("verdict", fields{"flaw": o.flaw, "verdict": "accepted"})
	case errors.Is(refusal, os.ErrDeadlineExceeded):
		emit("verdict", fields{"flaw": o.flaw, "verdict": "silence"})
	default:
		emit("verdict", fields{"flaw": o.flaw, "verdict": "refused", "reason": refusal.Error()})
	}
	return nil
}

// attackTCPListener: in TLS 1.3 a client learns after its own handshake what the
// server thinks of its certificate.
func attackTCPListener(_ context.Context, network, address string, config *tls.Config) error {
	conn, err := net.DialTimeout(network, address, verdictAfter)
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(verdictAfter))
	if err := multistream.SelectProtoOrFail("/tls/1.0.0", conn); err != nil {
		return err
	}
	secure := tls.Client(conn, config)
	if err := secure.Handshake(); err != nil {
		return err
	}
	_, err = secure.Read(make([]byte, 1))
	return err
}

func attackQUICListener(ctx context.Context, _, address string, config *tls.Config) error {
	conn, err := quic.DialAddr(ctx, address, quicALPN(config), &quic.Config{})
	if err != nil {
		return err
	}
	defer conn.CloseWithError(0, "")
	ctx, cancel := context.WithTimeoutCause(ctx, verdictAfter, os.ErrDeadlineExceeded)
	defer cancel()
	_, err = conn.AcceptStream(ctx) // identify, if we are welcome
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

func announceAttack(o *options, at multiaddr.Multiaddr, id peer.ID) {
	emit("ready", fields{"flaw": o.flaw, "peerId": id.String(), "listening": []string{fmt.Sprintf("%s/p2p/%s", at, id)}})
}

func attackTCPDialers(o *options, config *tls.Config, id peer.ID) error {
	listener, err := net.Listen("tcp", net.JoinHostPort(o.host, fmt.Sprint(o.port)))
	if err != nil {
		return err
	}
	at, err := manet.FromNetAddr(listener.Addr())
	if err != nil {
		return err
	}
	announceAttack(o, at, id)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go attackTCPDialer(o, config, conn)
		}
	}()
	waitForEnd(o)
	return nil
}

func attackTCPDialer(o *options, config *tls.Config, conn net.Conn) {
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(verdictAfter))
	muxer := multistream.NewMultistreamMuxer[string]()
	muxer.AddHandler("/tls/1.0.0", nil)
	if _, _, err := muxer.Negotiate(conn); err != nil {
		emit("handshake", fields{"error": err.Error()})
		return
	}
	secure := tls.Server(conn, config)
	err := secure.Handshake()
	if err == nil {
		_, err = secure.Read(make([]byte, 1))
	}
	emit("handshake", fields{"flaw": o.flaw, "error": fmt.Sprint(err)})
}

func attackQUICDialers(ctx context.Context, o *options, config *tls.Config, id peer.ID) error {
	listener, err := quic.ListenAddr(net.JoinHostPort(o.host, fmt.Sprint(o.port)), quicALPN(config), &quic.Config{})
	if err != nil {
		return err
	}
	bound, err := manet.FromNetAddr(listener.Addr())
	if err != nil {
		return err
	}
	announceAttack(o, bound.Encapsulate(multiaddr.StringCast("/quic-v1")), id)
	go func() {
		for {
			conn, err := listener.Accept(ctx)
			if err != nil {
				return
			}
			go func() {
				conn.AcceptStream(ctx) // the dialer's ping, or the end
				conn.CloseWithError(0, "")
				emit("handshake", fields{"flaw": o.flaw, "error": fmt.Sprint(context.Cause(conn.Context()))})
			}()
		}
	}()
	waitForEnd(o)
	return nil
}
