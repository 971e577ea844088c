package main

// What only the benchmark asks for: many requests, and pings beside a busy stream.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
)

// headStart is what the busy stream gets before what is measured beside it begins.
const headStart = 300 * time.Millisecond

// requester is one connection of a node of its own.
type requester struct {
	host host.Host
	conn network.Conn
}

// runRequests sends --count requests, --open of them under way at the same time,
// over --connections connections. Every request is a new stream; with --keep every
// sender keeps one.
func runRequests(ctx context.Context, o *options) error {
	quiet := *o
	quiet.quiet = true
	return within(ctx, o, "rr", func(ctx context.Context) error {
		all := make([]requester, or(o.connections, 1))
		for i := range all {
			h, err := newHost(&quiet, false)
			if err != nil {
				return err
			}
			defer h.Close()
			c, err := dial(ctx, h, &quiet)
			if err != nil {
				return err
			}
			all[i] = requester{h, c}
			if err := all[i].once(ctx); err != nil {
				return err
			}
		}
		return sendRequests(ctx, all, o)
	})
}

func sendRequests(ctx context.Context, all []requester, o *options) error {
	count, senders := or(o.count, 1000), or(o.open, len(all))
	times := make([][]time.Duration, senders)
	var taken atomic.Int64
	start, end := time.Now(), o.end()
	more := func() bool { return taken.Add(1) <= int64(count) && time.Now().Before(end) }
	err := forEach(senders, func(i int) (err error) {
		times[i], err = all[i%len(all)].many(ctx, more, o.keep)
		return err
	})
	if err != nil {
		return err
	}
	took := time.Since(start)
	done := slices.Concat(times...)
	result := summary(done, took)
	result["requestsPerSecond"] = float64(len(done)) / took.Seconds()
	emit("rr-summary", result)
	return nil
}

func (r requester) open(ctx context.Context) (network.Stream, error) {
	return r.host.NewStream(ctx, r.conn.RemotePeer(), requestProtocol)
}

func (r requester) many(ctx context.Context, more func() bool, keep bool) (times []time.Duration, err error) {
	work := func() error { return r.once(ctx) }
	if keep {
		s, err := r.open(ctx)
		if err != nil {
			return nil, err
		}
		defer s.Close()
		work = func() error { return exchange(s) }
	}
	for more() {
		start := time.Now()
		if err := work(); err != nil {
			return nil, err
		}
		times = append(times, time.Since(start))
	}
	return times, nil
}

func (r requester) once(ctx context.Context) error {
	s, err := r.open(ctx)
	if err != nil {
		return err
	}
	if err := exchange(s); err != nil {
		s.Reset()
		return err
	}
	return s.Close()
}

func exchange(s network.Stream) error {
	message, back := [1 + requestBytes]byte{requestBytes}, [1 + requestBytes]byte{}
	if _, err := s.Write(message[:]); err != nil {
		return err
	}
	if _, err := io.ReadFull(s, back[:]); err != nil {
		return fmt.Errorf("request: %w", err)
	}
	if back != message {
		return errors.New("the answer differs from the request")
	}
	return nil
}

// busyStream uploads on a stream of its own until it is stopped.
func busyStream(ctx context.Context, h host.Host, c network.Conn) (stop func(), err error) {
	s, err := h.NewStream(ctx, c.RemotePeer(), perfProtocol)
	if err != nil {
		return nil, err
	}
	if _, err := s.Write(make([]byte, 8)); err != nil {
		return nil, err
	}
	go writePattern(s, math.MaxUint64, patternPeriod)
	time.Sleep(headStart)
	return func() { s.Reset() }, nil
}
