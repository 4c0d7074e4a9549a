// Package privacy keeps secrets out of what leaves a program: traces, logs,
// errors, and the page that shows a run.
//
// # Secrets
//
// A [Secret] holds a value that nothing prints or encodes. Use it in the inputs
// of steps and in configurations:
//
//	type Login struct {
//		User     string
//		Password privacy.Secret[string]
//	}
//
// # Redaction
//
// A [Redactor] leaves out what stands under the names of secrets, such as
// "password" and "api_key", what has the form of credentials, and the values that
// it was told, such as those of the environment that a manifest refers to. It does
// so before anything is cut, so that no part of a secret is left at an end.
//
//	r, err := privacy.NewRedactor("*iban*", "order_id")
//	r.Add(os.Getenv("DB_PASSWORD"), "${env:DB_PASSWORD}")
//	r.Text("dial: postgres://app:hunter2@db/x") // dial: postgres://[redacted]@db/x
//
// # Capture
//
// [Capture] makes the text of inputs and outputs that telemetry keeps. Its cost is
// bounded by the length of the text and not by the values.
//
// docs/privacy.md says what is captured when, and what a redactor cannot do.
//
// # Stability
//
// Stable to use. The names and forms that a Redactor knows by itself may grow.
//
// This package imports the standard library and an encoder on top of it only.
package privacy
