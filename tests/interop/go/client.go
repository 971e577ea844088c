package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/protocol"
)

const (
	pingProtocol = "/ipfs/ping/1.0.0"
	// Responders end a ping stream after some time (js 10 s, go 30 s).
	pingStreamLife = 5 * time.Second

	closeWriteBytes = 4 << 20
	stallAfter      = 10 * time.Second
	holdEvery       = 100 * time.Millisecond
)

func networkID(name string) protocol.ID { return protocol.ID(name) }

// withConnection makes a client node, dials --peer and runs f under --timeout.
func withConnection(ctx context.Context, o *options, what string, f func(context.Context, host.Host, network.Conn) error) error {
	h, err := newHost(o, false)
	if err != nil {
		return err
	}
	defer h.Close()
	if !o.quiet {
		announceReady(h, o)
	}
	return within(ctx, o, what, func(ctx context.Context) error {
		c, err := dial(ctx, h, o)
		if err != nil {
			return err
		}
		return f(ctx, h, c)
	})
}

// ping measures count round trips over long-lived streams, or as many as go before end, one at least.
func ping(ctx context.Context, h host.Host, c network.Conn, count int, end time.Time, each func(int, time.Duration)) ([]time.Duration, error) {
	rtts := make([]time.Duration, 0, count)
	more := func() bool { return len(rtts) < count && (len(rtts) == 0 || time.Now().Before(end)) }
	payload, back := make([]byte, 32), make([]byte, 32)
	rand.Read(payload)
	for more() {
		s, err := h.NewStream(ctx, c.RemotePeer(), pingProtocol)
		if err != nil {
			return nil, err
		}
		opened := time.Now()
		for more() && time.Since(opened) < pingStreamLife {
			binary.BigEndian.PutUint64(payload, uint64(len(rtts)))
			start := time.Now()
			if _, err := s.Write(payload); err != nil {
				return nil, err
			}
			if _, err := io.ReadFull(s, back); err != nil {
				return nil, err
			}
			rtts = append(rtts, time.Since(start))
			if !bytes.Equal(payload, back) {
				return nil, errors.New("ping payload came back changed")
			}
			if each != nil {
				each(len(rtts)-1, rtts[len(rtts)-1])
			}
		}
		s.Close()
	}
	return rtts, nil
}

func pingOnce(ctx context.Context, h host.Host, c network.Conn) ([]time.Duration, error) {
	return ping(ctx, h, c, 1, time.Now().AddDate(1, 0, 0), nil)
}

func summary(rtts []time.Duration, took time.Duration) fields {
	sorted := slices.Clone(rtts)
	slices.Sort(sorted)
	at := func(q float64) float64 { return milliseconds(sorted[min(len(sorted)-1, int(float64(len(sorted))*q))]) }
	var sum time.Duration
	for _, r := range sorted {
		sum += r
	}
	return fields{
		"unit": "ms", "n": len(sorted), "min": at(0), "median": at(0.5), "p90": at(0.9), "p95": at(0.95), "p99": at(0.99), "max": at(1),
		"mean": milliseconds(sum) / float64(len(sorted)), "seconds": took.Seconds(),
		"pingsPerSecond": float64(len(sorted)) / took.Seconds(),
	}
}

func or(value, fallback int) int {
	if value == 0 {
		return fallback
	}
	return value
}

func runPing(ctx context.Context, o *options) error {
	return withConnection(ctx, o, "ping", func(ctx context.Context, h host.Host, c network.Conn) error {
		var each func(int, time.Duration)
		if !o.quiet && or(o.count, 10) <= 20 {
			each = func(i int, rtt time.Duration) { emit("ping", fields{"seq": i, "ms": milliseconds(rtt)}) }
		}
		if o.load {
			stop, err := busyStream(ctx, h, c)
			if err != nil {
				return err
			}
			defer stop()
		}
		start := time.Now()
		rtts, err := ping(ctx, h, c, or(o.count, 10), o.end(), each)
		if err != nil {
			return err
		}
		emit("ping-summary", summary(rtts, time.Since(start)))
		return nil
	})
}

// runConnect dials, pings once and closes, again and again.
func runConnect(ctx context.Context, o *options) error {
	quiet := *o
	quiet.quiet = true
	h, err := newHost(&quiet, false)
	if err != nil {
		return err
	}
	defer h.Close()
	return within(ctx, o, "connect", func(ctx context.Context) error {
		start, end, count := time.Now(), o.end(), 0
		for ; count < or(o.count, 10) && time.Now().Before(end); count++ {
			c, err := dial(ctx, h, &quiet)
			if err != nil {
				return err
			}
			if _, err := pingOnce(ctx, h, c); err != nil {
				return err
			}
			if err := c.Close(); err != nil {
				return err
			}
		}
		took := time.Since(start).Seconds()
		emit("connect-summary", fields{"n": count, "seconds": took, "connectionsPerSecond": float64(count) / took})
		return nil
	})
}

// echoAll writes payload, then optionally closes for writing, and reads the echo.
func echoAll(s network.Stream, payload []byte, closeFirst bool) error {
	written := make(chan error, 1)
	go func() {
		_, err := s.Write(payload)
		if err == nil && closeFirst {
			err = s.CloseWrite()
		}
		written <- err
	}()
	back := make([]byte, len(payload))
	if _, err := io.ReadFull(s, back); err != nil {
		return fmt.Errorf("echo: %w", err)
	}
	if err := <-written; err != nil {
		return fmt.Errorf("echo: %w", err)
	}
	if !bytes.Equal(payload, back) {
		return errors.New("echo came back changed")
	}
	return nil
}

func expectEOF(s network.Stream) error {
	if n, err := s.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		return fmt.Errorf("expected the end of the stream, got %d bytes and %v", n, err)
	}
	return nil
}

func randomBytes(n int) []byte {
	data := make([]byte, n)
	rand.Read(data)
	return data
}

func runEcho(ctx context.Context, o *options) error      { return echoOnce(ctx, o, "echo", false) }
func runHalfClose(ctx context.Context, o *options) error { return echoOnce(ctx, o, "half-close", true) }

func echoOnce(ctx context.Context, o *options, event string, closeFirst bool) error {
	return withConnection(ctx, o, event, func(ctx context.Context, h host.Host, c network.Conn) error {
		s, err := h.NewStream(ctx, c.RemotePeer(), echoProtocol)
		if err != nil {
			return err
		}
		start := time.Now()
		if err := echoAll(s, randomBytes(or(o.size, 1000)), closeFirst); err != nil {
			return err
		}
		if !closeFirst {
			s.CloseWrite()
		}
		if err := expectEOF(s); err != nil {
			return err
		}
		emit(event, fields{"bytes": or(o.size, 1000), "ms": milliseconds(time.Since(start))})
		return s.Close()
	})
}

// forEach runs f for every index at once and returns the first error.
func forEach(n int, f func(int) error) error {
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Add(1)
		go func() {
			defer all.Done()
			errs[i] = f(i)
		}()
	}
	all.Wait()
	for i, err := range errs {
		if err != nil {
			return fmt.Errorf("stream %d of %d: %w", i, n, err)
		}
	}
	return nil
}

// runStreams makes --count echo streams, --open of them open at the same time.
func runStreams(ctx context.Context, o *options) error {
	return withConnection(ctx, o, "streams", func(ctx context.Context, h host.Host, c network.Conn) error {
		count, size := or(o.count, 1000), or(o.size, 1000)
		start := time.Now()
		for left := count; left > 0; {
			wave := min(left, or(o.open, count))
			if err := streamWave(ctx, h, c, wave, size); err != nil {
				return err
			}
			left -= wave
		}
		emit("streams", fields{"count": count, "bytes": count * size, "ms": milliseconds(time.Since(start))})
		return nil
	})
}

// streamWave holds count echo streams open at the same time.
func streamWave(ctx context.Context, h host.Host, c network.Conn, count, size int) error {
	streams := make([]network.Stream, count)
	// A lazily negotiated stream exists for the remote only once data moved,
	// so the first half of the payload opens it for real.
	if err := forEach(count, func(i int) (err error) {
		streams[i], err = openEcho(ctx, h, c, size/2)
		return err
	}); err != nil {
		return err
	}
	return endEchoes(streams, size-size/2)
}

// openEcho opens an echo stream with the echo of size bytes.
func openEcho(ctx context.Context, h host.Host, c network.Conn, size int) (network.Stream, error) {
	s, err := h.NewStream(ctx, c.RemotePeer(), echoProtocol)
	if err != nil {
		return nil, err
	}
	return s, echoAll(s, randomBytes(size), false)
}

// endEchoes echoes size bytes more on each stream while all are open, then ends them.
func endEchoes(streams []network.Stream, size int) error {
	if err := forEach(len(streams), func(i int) error { return echoAll(streams[i], randomBytes(size), true) }); err != nil {
		return err
	}
	return forEach(len(streams), func(i int) error {
		if err := expectEOF(streams[i]); err != nil {
			return err
		}
		return streams[i].Close()
	})
}

// runCrowd holds --open echo streams, opened one after the other, and says how many the
// remote served and how many it refused; the connection lives on.
func runCrowd(ctx context.Context, o *options) error {
	return withConnection(ctx, o, "crowd", func(ctx context.Context, h host.Host, c network.Conn) error {
		var held []network.Stream
		refused, refusal := 0, ""
		for range or(o.open, 10) {
			s, err := openEcho(ctx, h, c, 8)
			if err == nil {
				held = append(held, s)
				continue
			}
			refused, refusal = refused+1, err.Error()
		}
		if err := endEchoes(held, 8); err != nil {
			return err
		}
		emit("crowd", fields{"served": len(held), "refused": refused, "error": refusal})
		return pingAfter(ctx, h, c)
	})
}

func runReset(ctx context.Context, o *options) error {
	return withConnection(ctx, o, "reset", func(ctx context.Context, h host.Host, c network.Conn) error {
		s, err := h.NewStream(ctx, c.RemotePeer(), resetProtocol)
		if err != nil {
			return err
		}
		if _, err := s.Write([]byte("reset me")); err != nil {
			return err
		}
		n, err := s.Read(make([]byte, 1))
		if !errors.Is(err, network.ErrReset) {
			return fmt.Errorf("expected a reset, got %d bytes and %v", n, err)
		}
		result := fields{"ok": true, "error": err.Error(), "code": nil}
		var detail *network.StreamError
		if errors.As(err, &detail) {
			result["code"] = detail.ErrorCode
		}
		emit("reset", result)
		return pingAfter(ctx, h, c)
	})
}

// pingAfter proves that the connection survived what was done to a stream.
func pingAfter(ctx context.Context, h host.Host, c network.Conn) error {
	rtts, err := pingOnce(ctx, h, c)
	if err != nil {
		return fmt.Errorf("ping afterwards: %w", err)
	}
	if len(h.Network().ConnsToPeer(c.RemotePeer())) != 1 || c.IsClosed() {
		return errors.New("ping afterwards: the connection was replaced")
	}
	emit("ping-after", fields{"ms": milliseconds(rtts[0])})
	return nil
}

func runCloseDuringWrite(ctx context.Context, o *options) error {
	return withConnection(ctx, o, "close-during-write", func(ctx context.Context, h host.Host, c network.Conn) error {
		s, err := h.NewStream(ctx, c.RemotePeer(), closeProtocol)
		if err != nil {
			return err
		}
		s.SetDeadline(time.Now().Add(stallAfter))
		start := time.Now()
		outcome, written := "finished", 0
		block := make([]byte, 16<<10)
		for written < closeWriteBytes {
			n, err := s.Write(block)
			written += n
			if err != nil {
				outcome = err.Error()
				break
			}
		}
		if errors.Is(s.CloseWrite(), io.EOF) {
			outcome = "eof"
		}
		_, readErr := io.Copy(io.Discard, struct{ io.Reader }{s})
		s.Reset()
		took := time.Since(start)
		emit("close-during-write", fields{"outcome": outcome, "written": written, "read": fmt.Sprint(readErr), "ms": milliseconds(took)})
		if took >= stallAfter {
			return fmt.Errorf("the writer was stuck after %d bytes", written)
		}
		return pingAfter(ctx, h, c)
	})
}

// runHold keeps one echo stream busy, --count times or until it breaks, and says
// what became of it: held, or lost with the reason.
func runHold(ctx context.Context, o *options) error {
	return withConnection(ctx, o, "hold", func(ctx context.Context, h host.Host, c network.Conn) error {
		s, err := h.NewStream(ctx, c.RemotePeer(), echoProtocol)
		if err != nil {
			return err
		}
		last := time.Now()
		for n := 0; o.count == 0 || n < o.count; n++ {
			if err := echoAll(s, randomBytes(8), false); err != nil {
				emit("lost", fields{"echoes": n, "ms": milliseconds(time.Since(last)), "error": err.Error()})
				return err
			}
			last = time.Now()
			if n == 0 {
				emit("holding", fields{"localAddr": c.LocalMultiaddr().String()})
			}
			time.Sleep(holdEvery)
		}
		emit("held", fields{"echoes": o.count})
		return pingAfter(ctx, h, c)
	})
}

func runPerf(ctx context.Context, o *options) error {
	return withConnection(ctx, o, "perf", func(ctx context.Context, h host.Host, c network.Conn) error {
		for run := range or(o.count, 1) {
			result, err := perfOnce(ctx, h, c, o)
			if err != nil {
				return err
			}
			result["run"] = run
			emit("perf", result)
			if result["mismatches"] != nil && result["mismatches"] != uint64(0) {
				return fmt.Errorf("%d bytes differ from the pattern", result["mismatches"])
			}
		}
		return nil
	})
}

// firstByteReader notes when the first byte arrived.
type firstByteReader struct {
	io.Reader
	at time.Time
}

func (r *firstByteReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if n > 0 && r.at.IsZero() {
		r.at = time.Now()
	}
	return n, err
}

// moved is what became of one stream: when the server began to answer, when all was over.
type moved struct {
	turn, end time.Time
	wrong     uint64
}

// perfOnce is one run over --streams streams that share the bytes. The upload lasts
// until the last stream turned, the download from the first one's turn on.
func perfOnce(ctx context.Context, h host.Host, c network.Conn, o *options) (fields, error) {
	n := uint64(or(o.streams, 1))
	all := make([]moved, n)
	start := time.Now()
	err := forEach(int(n), func(i int) (err error) {
		all[i], err = perfStream(ctx, h, c, o.upload/n, o.download/n, o)
		return err
	})
	if err != nil {
		return nil, err
	}
	byTurn := func(a, b moved) int { return a.turn.Compare(b.turn) }
	first, last := slices.MinFunc(all, byTurn).turn, slices.MaxFunc(all, byTurn).turn
	end := slices.MaxFunc(all, func(a, b moved) int { return a.end.Compare(b.end) }).end
	result := perfResult(o, last.Sub(start).Seconds(), end.Sub(first).Seconds())
	if o.check {
		wrong := uint64(0)
		for _, one := range all {
			wrong += one.wrong
		}
		result["mismatches"] = wrong
	}
	return result, nil
}

// perfStream uploads, then downloads. The upload is over when the server answers:
// with its first byte, or with the end of the stream.
func perfStream(ctx context.Context, h host.Host, c network.Conn, upload, download uint64, o *options) (moved, error) {
	s, err := h.NewStream(ctx, c.RemotePeer(), perfProtocol)
	if err != nil {
		return moved{}, err
	}
	defer s.Close()
	var header [8]byte
	binary.BigEndian.PutUint64(header[:], download)
	if _, err := s.Write(header[:]); err != nil {
		return moved{}, err
	}
	if err := writePattern(s, upload, o.chunk); err != nil {
		return moved{}, fmt.Errorf("upload: %w", err)
	}
	if err := s.CloseWrite(); err != nil {
		return moved{}, fmt.Errorf("upload: %w", err)
	}
	reader := &firstByteReader{Reader: s}
	received, wrong, err := drain(reader, o.check)
	if err != nil {
		return moved{}, fmt.Errorf("download: %w", err)
	}
	end := time.Now()
	if received != download {
		return moved{}, fmt.Errorf("asked for %d bytes, got %d", download, received)
	}
	turn := end
	if !reader.at.IsZero() {
		turn = reader.at
	}
	return moved{turn, end, wrong}, nil
}

func perfResult(o *options, up, down float64) fields {
	rate := func(bytes uint64, seconds float64) any {
		if bytes == 0 || seconds == 0 {
			return nil
		}
		return float64(bytes) / seconds / 1e6
	}
	return fields{
		"uploadBytes": o.upload, "uploadSeconds": up, "uploadMBps": rate(o.upload, up),
		"downloadBytes": o.download, "downloadSeconds": down, "downloadMBps": rate(o.download, down),
	}
}
