package otlpclient

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"time"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/spanloom/spanloom/internal/bytesize"
	"github.com/spanloom/spanloom/plugins/internal/otlpconfig"
)

const (
	contentProto = "application/x-protobuf"
	contentJSON  = "application/json"
)

// overHTTP is OTLP over HTTP with protobuf.
type overHTTP struct {
	settings otlpconfig.Settings
	client   *http.Client
}

func newHTTP(s otlpconfig.Settings) *overHTTP {
	return &overHTTP{settings: s, client: &http.Client{
		// A redirect would take the keys along, or the spans elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy:                  nil,
			DialContext:            (&net.Dialer{Timeout: connectTimeout}).DialContext,
			TLSClientConfig:        s.TLS.Clone(),
			TLSHandshakeTimeout:    connectTimeout,
			ForceAttemptHTTP2:      true,
			MaxIdleConns:           2,
			IdleConnTimeout:        90 * time.Second,
			MaxResponseHeaderBytes: maxReply,
		},
	}}
}

// prepare implements transport.
func (t *overHTTP) prepare(request proto.Message) (any, error) {
	body, err := proto.Marshal(request)
	if err != nil {
		return nil, err
	}
	return t.packed(body)
}

// encoded implements transport. The buffer is used again only where it is packed into
// another: net/http may read a body after the call.
func (t *overHTTP) encoded(request *[]byte, buffers *buffers) (prepared any, free func(), err error) {
	prepared, err = t.packed(*request)
	if t.settings.Gzip {
		buffers.Put(request)
	}
	return prepared, func() {}, err
}

func (t *overHTTP) packed(body []byte) ([]byte, error) {
	if !t.settings.Gzip {
		return body, nil
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(body); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil { // which writes the rest
		return nil, err
	}
	return packed.Bytes(), nil
}

// send implements transport.
func (t *overHTTP) send(ctx context.Context, sig signal, prepared any, reply proto.Message) error {
	body, _ := prepared.([]byte)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.settings.Endpoint.URL(sig.name), bytes.NewReader(body))
	if err != nil {
		return errors.New("the endpoint is not a valid URL") // whose text the error would repeat
	}
	for name, value := range t.settings.Headers {
		req.Header.Set(name, value.Reveal())
	}
	req.Header.Set("User-Agent", userAgent())
	req.Header.Set("Content-Type", contentProto)
	if t.settings.Gzip {
		req.Header.Set("Content-Encoding", "gzip")
	}
	res, err := t.client.Do(req)
	if err != nil {
		return broken(ctx, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxReply+1)) // decompressed
	switch {
	case res.StatusCode/100 != 2:
		return t.refused(sig, res, text)
	case err != nil:
		return broken(ctx, err)
	case len(text) > maxReply:
		return fmt.Errorf("the reply is larger than %s", bytesize.Text(maxReply))
	}
	return parse(res, text, reply)
}

func (t *overHTTP) close() error {
	t.client.CloseIdleConnections()
	return nil
}

// broken is an attempt without an answer.
func broken(ctx context.Context, err error) error {
	if ended := ctx.Err(); ended != nil {
		return &failure{err: ended, silent: true}
	}
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err // the rest is the URL
	}
	text := errors.New(tlsHint(err.Error()))
	_, certificate := errors.AsType[*tls.CertificateVerificationError](err)
	_, record := errors.AsType[tls.RecordHeaderError](err)
	_, alert := errors.AsType[tls.AlertError](err)
	_, authority := errors.AsType[x509.UnknownAuthorityError](err)
	if certificate || record || alert || authority || errors.Is(err, http.ErrSchemeMismatch) {
		return &misfit{text} // no attempt will go better
	}
	return &failure{err: text}
}

// parse reads a reply in either form that the specification allows; in any other
// the collector has said that it took the request, and no more.
func parse(res *http.Response, text []byte, reply proto.Message) error {
	switch contentType(res) {
	case contentProto:
		if err := proto.Unmarshal(text, reply); err != nil {
			return errors.New("the reply is not a message of OTLP")
		}
	case contentJSON:
		if len(text) == 0 {
			return nil
		}
		if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(text, reply); err != nil {
			return errors.New("the reply is not a message of OTLP")
		}
	}
	return nil
}

func contentType(res *http.Response) string {
	t, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	return t
}

// refused is a reply that is no success. What may pass is listed in
// https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes.
func (t *overHTTP) refused(sig signal, res *http.Response, text []byte) error {
	message := message(res, text[:min(len(text), maxReply)])
	words := fmt.Sprintf("%d %s", res.StatusCode, http.StatusText(res.StatusCode))
	switch code := res.StatusCode; {
	case code/100 == 3:
		return &misfit{fmt.Errorf("the server redirects (%s), which is not followed; write the address that it redirects to", words)}
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		return &misfit{fmt.Errorf("the collector refused the credentials (%s)%s; look at auth and headers", words, said(message))}
	case code == http.StatusNotFound || code == http.StatusMethodNotAllowed:
		return takesNone(sig, "'s path takes OTLP", fmt.Sprintf(" (%s)%s", words, said(message)))
	case code == http.StatusTooManyRequests || code == http.StatusBadGateway ||
		code == http.StatusServiceUnavailable || code == http.StatusGatewayTimeout:
		return &failure{
			err:   fmt.Errorf("%s%s", words, said(message)),
			after: retryAfter(res.Header.Get("Retry-After"), time.Now()),
		}
	case code == http.StatusBadRequest || code == http.StatusRequestEntityTooLarge || code == http.StatusUnprocessableEntity:
		return &refusal{fmt.Errorf("%s%s", words, said(message))}
	case code == http.StatusRequestTimeout || code == http.StatusTooEarly:
		return &misfit{fmt.Errorf("%s%s", words, said(message))}
	default:
		return fmt.Errorf("%s%s", words, said(message))
	}
}

// message returns what a refusal says, which is a Status, or a text for people.
func message(res *http.Response, text []byte) string {
	switch contentType(res) {
	case contentProto:
		var st spb.Status
		if proto.Unmarshal(text, &st) != nil {
			return ""
		}
		return st.GetMessage()
	case contentJSON, "text/plain":
		return string(text)
	default:
		return "" // a page for browsers says nothing in one line
	}
}
