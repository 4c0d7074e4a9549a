package runs

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// errEmpty says that a file has no line yet: its process was killed before it
// wrote one, or is about to.
var errEmpty = errors.New("the file is empty")

// runFile is the file of a run as it is read from start to end.
type runFile struct {
	header Header
	pid    int
	lines  scanner
}

// openScan reads the first line. Path is for messages.
func openScan(s scanner, path string) (*runFile, error) {
	sum, payload, ok, err := s.line()
	if err == nil && !ok && s.size <= prefixLen+MaxRecord+1 { // it may be torn
		var whole bool
		if whole, err = s.skip(); !whole && err == nil {
			return nil, errEmpty
		}
	}
	if err != nil {
		return nil, err
	}
	damaged := fmt.Errorf("%s: its first line is damaged, and without it nothing in it can be trusted; move the file away or remove it to start the run from the beginning", path)
	if !ok {
		return nil, damaged
	}
	h, _, err := readHead(payload)
	switch {
	case err != nil || h.Header == nil:
		return nil, damaged
	case h.Header.Version > formatVersion:
		return nil, fmt.Errorf("%s was written by a later version (form %d, and this one reads %d); use that version or remove the file", path, h.Header.Version, formatVersion)
	}
	s.seed = sum
	return &runFile{header: h.Header.header(), pid: h.Header.PID, lines: s}, nil
}

// each calls f with every intact line behind the first, until it returns false.
// The payload is valid during the call.
func (r *runFile) each(ctx context.Context, f func(at int64, payload []byte) bool) error {
	for n := 0; ; n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		at, _, payload, err := r.lines.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil || !f(at, payload) {
			return err
		}
	}
}
