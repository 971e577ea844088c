package main

// What a connection consists of: transports, security, muxers, the private
// network's key and the certificates of secure WebSockets.

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/pnet"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	"github.com/libp2p/go-libp2p/p2p/security/insecure"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	libp2ptls "github.com/libp2p/go-libp2p/p2p/security/tls"
	quic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	"github.com/libp2p/go-libp2p/p2p/transport/websocket"
)

// addressForms are the listen addresses of each transport, by host and port.
var addressForms = map[string]string{
	"tcp": "/%s/tcp/%d", "quic-v1": "/%s/udp/%d/quic-v1", "ws": "/%s/tcp/%d/ws", "wss": "/%s/tcp/%d/tls/ws",
}

func listenAddresses(o *options) (addresses []string) {
	host := "ip4/" + o.host
	if strings.Contains(o.host, ":") {
		host = "ip6/" + o.host
	}
	for _, name := range list(o.transport) {
		addresses = append(addresses, fmt.Sprintf(addressForms[name], host, o.port))
	}
	return addresses
}

func stackOptions(o *options) ([]libp2p.Option, error) {
	opts, err := transportOptions(o)
	if err != nil {
		return nil, err
	}
	security, err := securityOptions(o)
	if err != nil {
		return nil, err
	}
	opts = append(opts, security...)
	if o.psk == "" {
		return opts, nil
	}
	file, err := os.Open(o.psk)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	key, err := pnet.DecodeV1PSK(file)
	if err != nil {
		return nil, fmt.Errorf("%w: --psk %s: %v", errUsage, o.psk, err)
	}
	return append(opts, libp2p.PrivateNetwork(key)), nil
}

func transportOptions(o *options) (opts []libp2p.Option, err error) {
	names := list(o.transport)
	for _, name := range names {
		if addressForms[name] == "" {
			return nil, fmt.Errorf("%w: transport %q", errUnavailable, name)
		}
	}
	if slices.Contains(names, "tcp") {
		opts = append(opts, libp2p.Transport(tcp.NewTCPTransport))
	}
	if slices.Contains(names, "quic-v1") {
		if o.psk != "" {
			return nil, fmt.Errorf("%w: transport quic-v1 in a private network", errUnavailable)
		}
		opts = append(opts, libp2p.Transport(quic.NewTransport))
	}
	if slices.Contains(names, "ws") || slices.Contains(names, "wss") {
		web, err := webSocketOptions(o)
		if err != nil {
			return nil, err
		}
		opts = append(opts, libp2p.Transport(websocket.New, web...))
	}
	return opts, nil
}

// webSocketOptions: without --tls-ca a client believes any certificate, as the
// official suite wants it.
func webSocketOptions(o *options) ([]any, error) {
	client := &tls.Config{InsecureSkipVerify: o.tlsCA == ""}
	if o.tlsCA != "" {
		pem, err := os.ReadFile(o.tlsCA)
		if err != nil {
			return nil, err
		}
		client.RootCAs = x509.NewCertPool()
		client.RootCAs.AppendCertsFromPEM(pem)
	}
	opts := []any{websocket.WithTLSClientConfig(client)}
	if o.tlsCert != "" {
		certificate, err := tls.LoadX509KeyPair(o.tlsCert, o.tlsKey)
		if err != nil {
			return nil, err
		}
		opts = append(opts, websocket.WithTLSConfig(&tls.Config{Certificates: []tls.Certificate{certificate}}))
	}
	return opts, nil
}

func securityOptions(o *options) (opts []libp2p.Option, err error) {
	for _, name := range list(o.security) {
		switch name {
		case "noise":
			opts = append(opts, libp2p.Security(noise.ID, noise.New))
		case "tls":
			opts = append(opts, libp2p.Security(libp2ptls.ID, libp2ptls.New))
		case "plaintext":
			opts = append(opts, libp2p.Security(insecure.ID, insecure.NewWithIdentity))
		default:
			return nil, fmt.Errorf("%w: security %q", errUnavailable, name)
		}
	}
	for _, name := range list(o.muxer) {
		if name != "yamux" {
			return nil, fmt.Errorf("%w: muxer %q, go-libp2p has yamux only", errUnavailable, name)
		}
		opts = append(opts, libp2p.Muxer(yamux.ID, yamux.DefaultTransport))
	}
	return opts, nil
}
