package main

// The contract of the official transport suite: environment in, redis
// rendezvous, result on stdout. See ../official/README.md.

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
)

type contract struct {
	modern, dialer              bool
	redis, key, security, muxer string
	transport, listenIP         string
	timeoutSeconds              int
}

func environment(modern, legacy, fallback string) string {
	for _, name := range []string{modern, legacy} {
		if value := os.Getenv(name); value != "" {
			return value
		}
	}
	return fallback
}

func readContract() contract {
	c := contract{
		modern:    os.Getenv("TEST_KEY") != "",
		dialer:    environment("IS_DIALER", "is_dialer", "false") == "true",
		redis:     environment("REDIS_ADDR", "redis_addr", "redis:6379"),
		key:       "listenerAddr",
		transport: environment("TRANSPORT", "transport", "tcp"),
		security:  environment("SECURE_CHANNEL", "security", "noise"),
		muxer:     environment("MUXER", "muxer", "yamux"),
		listenIP:  environment("LISTENER_IP", "ip", "0.0.0.0"),
	}
	if c.modern {
		c.key = os.Getenv("TEST_KEY") + "_listener_multiaddr"
	}
	c.timeoutSeconds, _ = strconv.Atoi(environment("TEST_TIMEOUT_SECS", "test_timeout_seconds", "180"))
	return c
}

func runTransport(ctx context.Context, o *options) error {
	c := readContract()
	o.quiet, o.transport, o.security, o.muxer, o.host = true, c.transport, c.security, c.muxer, c.listenIP
	o.timeout, o.duration = float64(c.timeoutSeconds), float64(c.timeoutSeconds)
	db, err := dialRedis(c.redis)
	if err != nil {
		return err
	}
	h, err := newHost(o, !c.dialer)
	if err != nil {
		return err
	}
	defer h.Close()
	if c.dialer {
		return within(ctx, o, "transport", func(ctx context.Context) error { return officialDialer(ctx, h, o, c, db) })
	}
	if err := officialListener(h, c, db); err != nil {
		return err
	}
	waitForEnd(o)
	return nil
}

func officialListener(h host.Host, c contract, db *redis) error {
	addrs := fullAddrs(h)
	chosen := addrs[0]
	for _, a := range addrs {
		if !strings.Contains(a, "/127.0.0.1/") {
			chosen = a
			break
		}
	}
	if _, err := db.do("DEL", c.key); err != nil {
		return err
	}
	_, err := db.do("RPUSH", c.key, chosen)
	return err
}

func officialDialer(ctx context.Context, h host.Host, o *options, c contract, db *redis) error {
	address, err := listenerAddress(db, c)
	if err != nil {
		return err
	}
	o.peer = address
	start := time.Now()
	var conn network.Conn
	if conn, err = dial(ctx, h, o); err != nil {
		return err
	}
	rtts, err := pingOnce(ctx, h, conn)
	if err != nil {
		return err
	}
	total, rtt := milliseconds(time.Since(start)), milliseconds(rtts[0])
	if c.modern {
		fmt.Printf("latency:\n  handshake_plus_one_rtt: %.3f\n  ping_rtt: %.3f\n  unit: ms\n", total, rtt)
	} else {
		fmt.Printf("{\"handshakePlusOneRTTMillis\":%.3f,\"pingRTTMilllis\":%.3f}\n", total, rtt)
	}
	return nil
}

// listenerAddress waits for the address; implementations publish it as a list or
// as a string.
func listenerAddress(db *redis, c contract) (string, error) {
	for end := time.Now().Add(time.Duration(c.timeoutSeconds) * time.Second); time.Now().Before(end); {
		kind, err := db.do("TYPE", c.key)
		if err != nil {
			return "", err
		}
		switch kind {
		case "list":
			return db.do("LPOP", c.key)
		case "string":
			return db.do("GET", c.key)
		}
		time.Sleep(5 * time.Millisecond)
	}
	return "", errors.New("no listener address in redis")
}

// redis is as much of a client as the contract needs.
type redis struct {
	conn net.Conn
	in   *bufio.Reader
}

func dialRedis(address string) (*redis, error) {
	conn, err := net.DialTimeout("tcp", address, 10*time.Second)
	if err != nil {
		return nil, err
	}
	return &redis{conn, bufio.NewReader(conn)}, nil
}

// do sends one command and returns its simple, bulk or integer answer.
func (r *redis) do(args ...string) (string, error) {
	var out strings.Builder
	fmt.Fprintf(&out, "*%d\r\n", len(args))
	for _, a := range args {
		fmt.Fprintf(&out, "$%d\r\n%s\r\n", len(a), a)
	}
	if _, err := io.WriteString(r.conn, out.String()); err != nil {
		return "", err
	}
	line, err := r.in.ReadString('\n')
	if err != nil {
		return "", err
	}
	kind, text := line[0], strings.TrimSpace(line[1:])
	switch kind {
	case '-':
		return "", errors.New("redis: " + text)
	case '$':
		size, err := strconv.Atoi(text)
		if err != nil || size < 0 {
			return "", err
		}
		body := make([]byte, size+2)
		_, err = io.ReadFull(r.in, body)
		return string(body[:size]), err
	}
	return text, nil
}
