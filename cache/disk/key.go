package disk

import (
	"encoding/hex"
	"fmt"
)

// hash is a key as bytes.
type hash [32]byte

// parseKey returns a key as bytes. Nothing else may become a path.
func parseKey(key string) (h hash, err error) {
	if len(key) == hex.EncodedLen(len(h)) {
		_, err = hex.Decode(h[:], []byte(key))
	}
	if err != nil || h.String() != key { // upper case is another file
		return hash{}, fmt.Errorf("the key %.80q is not 64 lower-case hex digits", key)
	}
	return h, nil
}

// String returns the key.
func (h hash) String() string { return hex.EncodeToString(h[:]) }

// shard returns the name of the directory of the key's blob.
func (h hash) shard() string { return hex.EncodeToString(h[:1]) }

// path returns the place of the key's blob.
func (h hash) path() string {
	s := h.String()
	return s[:2] + "/" + s
}
