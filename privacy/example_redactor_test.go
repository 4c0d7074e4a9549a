package privacy_test

import (
	"fmt"
	"log/slog"
	"os"

	"github.com/spanloom/spanloom/privacy"
)

func ExampleRedactor() {
	r, err := privacy.NewRedactor("*iban*", "order_id")
	if err != nil {
		fmt.Println(err)
		return
	}
	r.Add("e5b2-db-value", "${env:DB_VALUE}")

	fmt.Println(r.Text("dial postgres://app:hunter2@db/x: value e5b2-db-value is refused"))
	fmt.Println(r.Text(`POST {"orderId": "77-1", "city": "Bonn"}: 401 (api_key=abc123)`))
	fmt.Println(r.Clip("the header was Authorization: Bearer abc123", 32))
	fmt.Println(r.Value("customer_iban", "DE89"), r.Value("city", "Bonn"))
	// Output:
	// dial postgres://[redacted]@db/x: value ${env:DB_VALUE} is refused
	// POST {"orderId": "[redacted]", "city": "Bonn"}: 401 (api_key=[redacted]
	// the header was Authorization:...
	// [redacted] Bonn
}

func ExampleNewRedactor_badPattern() {
	_, err := privacy.NewRedactor("iban", "order[_")
	fmt.Println(err)
	// Output:
	// redact[1]: "order[_" is not a regular expression: missing closing ]: `[_`
}

func ExampleRedactor_Attr() {
	r := &privacy.Redactor{}
	log := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{} // so that this example prints the same each time
		}
		return r.Attr(groups, a)
	}}))
	log.Info("login", "user", "bob", "password", "hunter2", "err", fmt.Errorf("get https://bob:hunter2@db: refused"))
	// Output:
	// level=INFO msg=login user=bob password=[redacted] err="get https://[redacted]@db: refused"
}
