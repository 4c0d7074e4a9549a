package privacy_test

import (
	"encoding/json"
	"fmt"

	"github.com/spanloom/spanloom/privacy"
)

type Login struct {
	User     string
	Password privacy.Secret[string]
}

func ExampleSecret() {
	var l Login
	if err := json.Unmarshal([]byte(`{"User": "bob", "Password": "hunter2"}`), &l); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%v %+v %q\n", l, l, l.Password)
	out, err := json.Marshal(l)
	fmt.Println(string(out), err)
	fmt.Println(len(l.Password.Reveal()), l.Password.Equal(privacy.NewSecret("hunter2")))
	fmt.Println(json.Unmarshal(out, &l))
	// Output:
	// {bob [redacted]} {User:bob Password:[redacted]} [redacted]
	// {"User":"bob","Password":"[redacted]"} <nil>
	// 7 true
	// privacy: [redacted] is what a secret was encoded to, not its value
}
