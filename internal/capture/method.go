package capture

import (
	"encoding"
	"encoding/json"
	"reflect"
	"sync"
	"time"
)

// how a method is called.
type how uint8

const (
	none how = iota
	marshalJSON
	marshalText
	pointerJSON // the method of a pointer to the value
	pointerText
)

// methods are those that decide the JSON form of a type: how as a value, and text
// as a key.
type methods struct{ how, text how }

var (
	jsonType = reflect.TypeFor[json.Marshaler]()
	textType = reflect.TypeFor[encoding.TextMarshaler]()
	known    sync.Map // reflect.Type -> methods
)

func methodOf(t reflect.Type) methods {
	if t.Kind() == reflect.Interface {
		return methods{}
	}
	if m, ok := known.Load(t); ok {
		return m.(methods) //nolint:forcetypeassert // nothing else is stored
	}
	m := methods{}
	p := reflect.PointerTo(t)
	switch {
	case t.Implements(textType):
		m.text = marshalText
	case p.Implements(textType):
		m.text = pointerText
	}
	switch {
	case t.Implements(jsonType):
		m.how = marshalJSON
	case p.Implements(jsonType):
		m.how = pointerJSON
	default:
		m.how = m.text
	}
	known.Store(t, m)
	return m
}

// method writes a value whose form its method decides.
func (e *encoder) method(v reflect.Value, m methods) {
	data, ok := e.call(v, m.how)
	switch {
	case !ok:
		e.bad(v.Type())
	case m.how == m.text:
		n := min(len(data), e.window())
		e.text(string(data[:n]), n < len(data))
	default:
		e.document(data, v.Type())
	}
}

// call returns what a method returns, and false if it fails or there is no time
// left for it.
func (e *encoder) call(v reflect.Value, h how) (data []byte, ok bool) {
	if e.spent >= methodTime || !v.CanInterface() {
		return nil, false
	}
	start := time.Now()
	defer func() {
		e.spent += time.Since(start)
		if recover() != nil {
			data, ok = nil, false
		}
	}()
	if h == pointerJSON || h == pointerText {
		if !v.CanAddr() {
			c := reflect.New(v.Type())
			c.Elem().Set(v)
			v = c.Elem()
		}
		v = v.Addr()
	}
	var err error
	switch x := v.Interface().(type) {
	case json.Marshaler:
		if h == marshalText || h == pointerText {
			data, err = x.(encoding.TextMarshaler).MarshalText() //nolint:forcetypeassert // methodOf looked
			break
		}
		data, err = x.MarshalJSON()
	case encoding.TextMarshaler:
		data, err = x.MarshalText()
	}
	return data, err == nil
}
