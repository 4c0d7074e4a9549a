package disk

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"math"
	"slices"
	"time"

	"github.com/spanloom/spanloom/cache"
)

// A blob is a header and the value behind it. All numbers are big-endian.
//
//	 0  magic and version of the format
//	 8  key
//	40  created: seconds since 1970
//	48  created: nanoseconds
//	52  cost in nanoseconds
//	60  length of the value
//	68  SHA-256 of all of the above, and the value
//
// This is version 1. Version 2 has the trace id and the span id of what computed
// the result, 24 bytes, before the sum. An entry without them is written as
// version 1.
const (
	magic      = "slcache\x01"
	magicSpan  = "slcache\x02"
	keyAt      = len(magic)
	createdAt  = keyAt + len(hash{})
	costAt     = createdAt + 12
	lengthAt   = costAt + 8
	spanAt     = lengthAt + 8
	spanSize   = len(cache.Entry{}.TraceID) + len(cache.Entry{}.SpanID)
	headerSize = spanAt + sha256.Size // of version 1
	maxHeader  = headerSize + spanSize
)

// sumAt returns where the sum is in a header, by its version.
func sumAt(header []byte) int {
	if string(header[:keyAt]) == magicSpan {
		return spanAt + spanSize
	}
	return spanAt
}

func hasSpan(e cache.Entry) bool { return e.TraceID != [16]byte{} && e.SpanID != [8]byte{} }

// sizeOf returns the size of the entry's blob.
func sizeOf(e cache.Entry) int64 {
	size := int64(headerSize) + int64(len(e.Value))
	if hasSpan(e) {
		size += int64(spanSize)
	}
	return size
}

// encodeHeader returns what stands before the entry's value.
func encodeHeader(key hash, e cache.Entry) []byte {
	b := make([]byte, 0, maxHeader)
	if hasSpan(e) {
		b = append(b, magicSpan...)
	} else {
		b = append(b, magic...)
	}
	b = append(b, key[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(e.Created.Unix()))
	b = binary.BigEndian.AppendUint32(b, uint32(e.Created.Nanosecond()))
	b = binary.BigEndian.AppendUint64(b, uint64(e.Cost))
	b = binary.BigEndian.AppendUint64(b, uint64(len(e.Value)))
	if hasSpan(e) {
		b = append(append(b, e.TraceID[:]...), e.SpanID[:]...)
	}
	return append(b, sum(b, e.Value)...)
}

func sum(header, value []byte) []byte {
	h := sha256.New()
	h.Write(header[:sumAt(header)])
	h.Write(value)
	return h.Sum(nil)
}

// damage is why a file is not a blob, and is to be removed.
type damage string

func (d damage) Error() string { return string(d) }

// checkHeader says why a file of that size and beginning is not the key's blob.
// It does not look at the sum.
func checkHeader(key hash, header []byte, size int64) error {
	switch {
	case len(header) < headerSize:
		return damage("it is too short")
	case string(header[:keyAt]) != magic && string(header[:keyAt]) != magicSpan:
		return damage("it is not of this format")
	case len(header) < sumAt(header)+sha256.Size:
		return damage("it is too short")
	case !bytes.Equal(header[keyAt:createdAt], key[:]):
		return damage("it is of another key")
	case binary.BigEndian.Uint64(header[lengthAt:]) != uint64(size-int64(sumAt(header)+sha256.Size)):
		return damage("its length is wrong")
	default:
		return nil
	}
}

// decodeBlob returns the entry of a file, whose value is a part of it.
func decodeBlob(key hash, file []byte) (cache.Entry, error) {
	if err := checkHeader(key, file, int64(len(file))); err != nil {
		return cache.Entry{}, err
	}
	at := sumAt(file)
	value := file[at+sha256.Size:]
	if !bytes.Equal(sum(file, value), file[at:at+sha256.Size]) {
		return cache.Entry{}, damage("its sum is wrong")
	}
	e := cache.Entry{
		Value:   slices.Clip(value),
		Cost:    time.Duration(binary.BigEndian.Uint64(file[costAt:])),
		Created: createdOf(file),
	}
	if at > spanAt {
		n := copy(e.TraceID[:], file[spanAt:])
		copy(e.SpanID[:], file[spanAt+n:at])
		if !hasSpan(e) {
			return cache.Entry{}, damage("it names no span")
		}
	}
	return e, nil
}

func createdOf(header []byte) time.Time {
	return time.Unix(int64(binary.BigEndian.Uint64(header[createdAt:])), int64(binary.BigEndian.Uint32(header[createdAt+8:])))
}

// nanos returns t as the index keeps it, which a time outside of 1678 to 2262
// is too far away for.
func nanos(t time.Time) int64 {
	switch year := t.UTC().Year(); {
	case year <= 1678:
		return math.MinInt64
	case year >= 2262:
		return math.MaxInt64
	default:
		return t.UnixNano()
	}
}

// diskSize is what a file of size bytes takes of the size limit.
func diskSize(size int64) int64 {
	const block = 4096
	return (size + block - 1) / block * block
}
