package privacy

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
)

// decode sets the Secret to what read makes of data. Errors of decoders quote what
// they could not read, so none is passed on.
func (s *Secret[T]) decode(data []byte, read func([]byte) (T, error)) (err error) {
	t := reflect.TypeFor[T]()
	if m := bytes.Trim(data, "\" \t\r\n"); string(m) == Mark {
		return fmt.Errorf("privacy: %s is what a secret was encoded to, not its value", Mark)
	}
	defer func() {
		if recover() != nil {
			err = fmt.Errorf("privacy: a secret cannot be decoded as %s", t)
		}
	}()
	v, err := read(data)
	if err != nil {
		return fmt.Errorf("privacy: a secret cannot be decoded as %s", t)
	}
	*s = NewSecret(v)
	return nil
}

func fromJSON[T any](data []byte) (v T, err error) {
	err = json.Unmarshal(data, &v)
	return v, err
}

func fromText[T any](text []byte) (v T, err error) {
	if u, ok := any(&v).(encoding.TextUnmarshaler); ok {
		return v, u.UnmarshalText(text)
	}
	switch r := reflect.ValueOf(&v).Elem(); {
	case r.Kind() == reflect.String:
		r.SetString(string(text))
	case isBytes(r):
		r.SetBytes(bytes.Clone(text))
	default:
		return fromJSON[T](text)
	}
	return v, nil
}
