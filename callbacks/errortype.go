package callbacks

import (
	"errors"
	"reflect"
)

// ErrorType returns what error.type says of err: a name of low cardinality, the
// same on spans and metrics. It is what the first error in the chain with an
// ErrorType() string method says, else the Go type of the innermost error that
// is not a mere wrapper. It is empty for nil.
func ErrorType(err error) (name string) {
	defer func() {
		if recover() != nil { // a method of the error panics
			name = reflect.TypeOf(err).String()
		}
	}()
	if err == nil {
		return ""
	}
	var named interface{ ErrorType() string }
	if errors.As(err, &named) {
		return named.ErrorType()
	}
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return reflect.TypeOf(err).String()
		}
		err = inner
	}
}
