package runs

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/crc32"
)

// prefixLen is the length of "checksum length ", two times eight digits.
const prefixLen = 18

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum covers what follows the checksum in a line up to its line feed. The
// seed is the checksum of the file's first line, so that a line of another run
// is never taken for one of this.
func checksum(seed uint32, covered []byte) uint32 {
	return crc32.Update(seed, castagnoli, covered)
}

// makeLine encodes a head, and a body unless it is nil, into buf. It leaves the
// checksum to sealLine.
func makeLine(buf *bytes.Buffer, head, body any) error {
	buf.Reset()
	buf.WriteString("00000000 00000000 ")
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false) // values stay as they are
	if err := enc.Encode(head); err != nil {
		return err
	}
	if body != nil {
		line := buf.Bytes()
		line[len(line)-1] = '\t' // instead of the encoder's line feed
		if err := enc.Encode(body); err != nil {
			return err
		}
	}
	size := buf.Len() - prefixLen - 1
	if size > MaxRecord {
		return fmt.Errorf("it has %d bytes, and %d are allowed: %w", size, MaxRecord, ErrTooLarge)
	}
	putHex(buf.Bytes()[9:], uint32(size))
	return nil
}

// sealLine writes the checksum of a made line into it and returns it.
func sealLine(seed uint32, line []byte) uint32 {
	sum := checksum(seed, line[9:len(line)-1])
	putHex(line, sum)
	return sum
}

// readPrefix returns what the prefix of a line says, if it looks like one.
func readPrefix(line []byte) (sum uint32, size int, ok bool) {
	if len(line) < prefixLen || line[8] != ' ' || line[17] != ' ' {
		return 0, 0, false
	}
	sum, ok1 := getHex(line[:8])
	n, ok2 := getHex(line[9:17])
	return sum, int(n), ok1 && ok2 && n <= MaxRecord
}

// readLine returns the checksum and the payload of the line that bytes begin
// with, if it is whole and intact. Its line feed may be damaged, not missing:
// the length says where the line ends.
func readLine(seed uint32, from []byte) (sum uint32, payload []byte, ok bool) {
	sum, size, ok := readPrefix(from)
	if !ok || len(from) <= prefixLen+size || checksum(seed, from[9:prefixLen+size]) != sum {
		return 0, nil, false
	}
	return sum, from[prefixLen : prefixLen+size], true
}

func putHex(to []byte, v uint32) {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], v)
	hex.Encode(to, b[:])
}

func getHex(from []byte) (uint32, bool) {
	var b [4]byte
	if _, err := hex.Decode(b[:], from); err != nil || bytes.ContainsAny(from, "ABCDEF") {
		return 0, false
	}
	return binary.BigEndian.Uint32(b[:]), true
}
