package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
)

const (
	echoProtocol  = "/echo/1.0.0"
	perfProtocol  = "/perf/1.0.0"
	resetProtocol = "/starling/test/reset/1.0.0"
	closeProtocol = "/starling/test/close/1.0.0"
	// Requests of the benchmark: one byte with the length, then as many bytes; the answer is the same.
	requestProtocol = "/starling-bench/rr/1.0.0"
	requestBytes    = 64

	resetCode     = 0x1234   // the code of the reset server
	closeAfter    = 64 << 10 // bytes the close server reads before it goes
	patternPeriod = 1 << 16
)

// pattern holds two periods of the test pattern, so that every 64 KiB block of a
// stream, wherever it starts, is one slice of it.
var pattern = func() []byte {
	table := make([]byte, 2*patternPeriod)
	for i := range table {
		table[i] = byte(i*31 + i>>8)
	}
	return table
}()

// patternAt returns n (at most 64 KiB) pattern bytes from stream position at.
func patternAt(at uint64, n int) []byte {
	start := int(at % patternPeriod)
	return pattern[start : start+n]
}

// mismatches counts the bytes of data that differ from the pattern at position at.
func mismatches(data []byte, at uint64) (count uint64) {
	for len(data) > 0 {
		n := min(len(data), patternPeriod)
		want := patternAt(at, n)
		if !bytes.Equal(data[:n], want) {
			for i := range n {
				if data[i] != want[i] {
					count++
				}
			}
		}
		data, at = data[n:], at+uint64(n)
	}
	return count
}

func writePattern(w io.Writer, total uint64, chunk int) error {
	for sent := uint64(0); sent < total; {
		n := min(uint64(min(chunk, patternPeriod)), total-sent)
		if _, err := w.Write(patternAt(sent, int(n))); err != nil {
			return err
		}
		sent += n
	}
	return nil
}

func serve(h host.Host, o *options) {
	handle := func(protocol string, f func(network.Stream) error) {
		h.SetStreamHandler(networkID(protocol), func(s network.Stream) {
			if err := f(s); err != nil {
				s.Reset()
				emit("warning", fields{"in": protocol, "message": err.Error()})
			}
		})
	}
	handle(echoProtocol, serveEcho)
	handle(resetProtocol, serveReset)
	handle(closeProtocol, serveClose)
	handle(requestProtocol, serveRequests)
	handle(perfProtocol, func(s network.Stream) error { return servePerf(s, o.check) })
}

func serveEcho(s network.Stream) error {
	if _, err := io.CopyBuffer(struct{ io.Writer }{s}, struct{ io.Reader }{s}, make([]byte, 16<<10)); err != nil {
		return err
	}
	return s.Close()
}

func serveRequests(s network.Stream) error {
	var message [1 + requestBytes]byte
	for {
		if _, err := io.ReadFull(s, message[:]); errors.Is(err, io.EOF) {
			return s.Close()
		} else if err != nil {
			return err
		}
		if _, err := s.Write(message[:]); err != nil {
			return err
		}
	}
}

func serveReset(s network.Stream) error {
	if _, err := io.ReadFull(s, make([]byte, 1)); err != nil {
		return err
	}
	return s.ResetWithError(resetCode)
}

// serveClose resets: Close() of a go-libp2p stream would leave the remote writer
// without window updates and without a word.
func serveClose(s network.Stream) error {
	if _, err := io.CopyN(io.Discard, s, closeAfter); err != nil {
		return err
	}
	return s.Reset()
}

// servePerf: the client sends a big-endian 64-bit count, then its upload, then
// closes for writing; the answer is that many bytes of the pattern.
func servePerf(s network.Stream, check bool) error {
	start := time.Now()
	var header [8]byte
	if _, err := io.ReadFull(s, header[:]); err != nil {
		return err
	}
	wanted := binary.BigEndian.Uint64(header[:])
	received, wrong, err := drain(s, check)
	if err != nil {
		return err
	}
	uploaded := time.Since(start)
	start = time.Now()
	if err := writePattern(s, wanted, patternPeriod); err != nil {
		return err
	}
	if err := s.Close(); err != nil {
		return err
	}
	result := fields{
		"peer": s.Conn().RemotePeer().String(), "uploadBytes": received, "uploadSeconds": uploaded.Seconds(),
		"downloadBytes": wanted, "downloadSeconds": time.Since(start).Seconds(),
	}
	if check {
		result["mismatches"] = wrong
	}
	emit("perf-served", result)
	return nil
}

// drain reads until the end of the stream and counts bytes, and with check the
// bytes that differ from the pattern.
func drain(r io.Reader, check bool) (received, wrong uint64, err error) {
	buffer := make([]byte, patternPeriod)
	for {
		n, err := r.Read(buffer)
		if check {
			wrong += mismatches(buffer[:n], received)
		}
		received += uint64(n)
		if errors.Is(err, io.EOF) {
			return received, wrong, nil
		}
		if err != nil {
			return received, wrong, fmt.Errorf("after %d bytes: %w", received, err)
		}
	}
}
