package spool

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
)

// A segment is a row of frames, and nothing else. A frame is a head and the data of
// one batch behind it. All numbers are big-endian.
//
//	 0  marker and version of the format
//	 4  length of the data
//	 8  events
//	12  sequence number
//	20  CRC-32C of the data
//	24  CRC-32C of the epoch and all of the above
//	28  data
//
// The head has a sum of its own, so that a length can be believed where the data is
// damaged. A head that is damaged costs a search for the next marker. The epoch is
// random: what stands in the data does not pass for a frame, even if somebody who
// knows the format put it there.
const (
	marker   = "\xf5SL\x01"
	headSize = 28
	headSum  = headSize - 4
	// maxData is far above what a batch may have, and bounds what a reader takes.
	maxData = 16 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// seedOf returns what the sums of an epoch's heads begin with.
func seedOf(epoch uint64) uint32 {
	return crc32.Checksum(binary.BigEndian.AppendUint64(nil, epoch), castagnoli)
}

// frame is a head that was found.
type frame struct {
	at     int64 // where it begins
	seq    uint64
	events uint32
	length uint32
	sum    uint32
}

func (f frame) end() int64 { return f.at + headSize + int64(f.length) }

func sizeOf(b Batch) int64 { return headSize + int64(len(b.Data)) }

func appendHead(buf []byte, seed uint32, b Batch) []byte {
	from := len(buf)
	buf = append(buf, marker...)
	buf = binary.BigEndian.AppendUint32(buf, uint32(len(b.Data)))
	buf = binary.BigEndian.AppendUint32(buf, uint32(b.Events))
	buf = binary.BigEndian.AppendUint64(buf, b.Seq)
	buf = binary.BigEndian.AppendUint32(buf, crc32.Checksum(b.Data, castagnoli))
	return binary.BigEndian.AppendUint32(buf, crc32.Update(seed, castagnoli, buf[from:]))
}

func parseHead(seed uint32, head []byte, at int64) (frame, bool) {
	if string(head[:len(marker)]) != marker ||
		binary.BigEndian.Uint32(head[headSum:]) != crc32.Update(seed, castagnoli, head[:headSum]) {
		return frame{}, false
	}
	f := frame{
		at:     at,
		length: binary.BigEndian.Uint32(head[4:]),
		events: binary.BigEndian.Uint32(head[8:]),
		seq:    binary.BigEndian.Uint64(head[12:]),
		sum:    binary.BigEndian.Uint32(head[20:]),
	}
	return f, f.length <= maxData && f.seq > 0
}

// find returns the first frame whose head is intact among those that begin at from
// or later and end at end or before; io.EOF when there is none.
func find(r io.ReaderAt, seed uint32, from, end int64) (frame, error) {
	var head [headSize]byte
	if end-from < headSize {
		return frame{}, io.EOF
	}
	if err := readFull(r, head[:], from); err != nil {
		return frame{}, err
	}
	if f, ok := parseHead(seed, head[:], from); ok && f.end() <= end {
		return f, nil
	}
	return search(r, seed, from+1, end)
}

// search is find where there may be anything.
func search(r io.ReaderAt, seed uint32, from, end int64) (frame, error) {
	buf := make([]byte, min(64<<10, max(end-from, 0)))
	for end-from >= headSize {
		window := buf[:min(int64(len(buf)), end-from)]
		if err := readFull(r, window, from); err != nil {
			return frame{}, err
		}
		last := len(window) - headSize // where a head may begin at the latest
		for i := 0; i <= last; i++ {
			next := bytes.Index(window[i:], []byte(marker))
			if next < 0 || i+next > last {
				break
			}
			i += next
			if f, ok := parseHead(seed, window[i:], from+int64(i)); ok && f.end() <= end {
				return f, nil
			}
		}
		from += int64(last) + 1
	}
	return frame{}, io.EOF
}

// readFull reads all of p. A file that has become shorter ends there.
func readFull(r io.ReaderAt, p []byte, at int64) error {
	n, err := r.ReadAt(p, at)
	if n == len(p) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		return io.EOF
	}
	return err
}
