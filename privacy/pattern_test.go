package privacy_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/spanloom/spanloom/privacy"
)

func TestNamesOfSecrets(t *testing.T) {
	t.Parallel()
	var r *privacy.Redactor
	for name := range strings.FieldsSeq(`password PASSWORD Password dbpassword DB_PASSWORD db.password password1 userPasswordHash
		passwd pwd mysql_pwd secret client_secret clientSecret secrets token access_token accessToken AccessToken mytoken X-Auth-Token
		authorization Authorization Proxy-Authorization http.request.header.authorization api_key apikey apiKey APIKey X-Api-Key api-key
		service.api.key privateKey private_key access_key aws_secret_access_key cookie Set-Cookie session_id sessionId credentials
		jwt bearer otp connectionString X-Amz-Signature csrf-token`) {
		if !r.Key(name) {
			t.Errorf("%s is none", name)
		}
	}
	for name := range strings.FieldsSeq(`user key keys name tokens max_tokens tokenizer monkey authorized author passenger apiKeyed
		cookiecutter optional pod primary_key public_key session node.name spanloom.cache.key hot top pwdx`) {
		if r.Key(name) {
			t.Errorf("%s is one", name)
		}
	}
	if !r.Key(strings.Repeat("x", 257)) || r.Key("") {
		t.Error("a long name is none, or no name is one")
	}
}

func TestPatterns(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ pattern, yes, no string }{
		{"iban", "iban IBAN customer_iban Iban2", "ibans liban"},
		{"*iban*", "iban ibans liban", "ban"},
		{"order_id", "orderId order-id ORDER.ID orderid x_order_id_y", "order_idx border_id order"},
		{"order*id", "order_id orderXid order_the_id_y", "order border_id orderids"},
		{"a*b*c*", "a_b_c a1b2c3 abcde", "a_c_b xabc"},
		{"*", "anything x", ""},
		{"iban[_-]?no", "IBAN_NO ibanno my-iban-no-x", "iban.no"},
		{"^x$", "x X", "xx"},
		{"ключ", "КЛЮЧ мой_ключ", "ключи"},
	} {
		r, err := privacy.NewRedactor(tt.pattern)
		if err != nil {
			t.Error(err)
			continue
		}
		for name := range strings.FieldsSeq(tt.yes) {
			if first := r.Key(name); !first || first != r.Key(name) {
				t.Errorf("%s does not match %s", tt.pattern, name)
			}
		}
		for name := range strings.FieldsSeq(tt.no) {
			if r.Key(name) {
				t.Errorf("%s matches %s", tt.pattern, name)
			}
		}
		if !r.Key("password") {
			t.Errorf("with %s, password is none", tt.pattern)
		}
	}
}

func TestBadPatterns(t *testing.T) {
	t.Parallel()
	_, err := privacy.NewRedactor("ok", "", "api[_", "a=b", "x?", " - ")
	const want = `redact[1]: "" is empty; write a name such as "api_key"
redact[2]: "api[_" is not a regular expression: missing closing ]: ` + "`[_`" + `
redact[3]: "a=b" has '=', which no name has; write words such as "api_key", stars for any characters, or a regular expression
redact[4]: "x?" matches every name; write * if that is meant
redact[5]: " - " is empty; write a name such as "api_key"`
	if err == nil || err.Error() != want {
		t.Errorf("%v\nwant %s", err, want)
	}
	var bad *privacy.PatternError
	if !errors.As(err, &bad) || bad.Index != 1 || bad.Pattern != "" {
		t.Errorf("%+v", bad)
	}
}
