package otlptrace

import "errors"

// several joins errors each text once.
func several(errs ...error) error {
	seen := map[string]bool{}
	var list []error
	for _, err := range errs {
		if err != nil && !seen[err.Error()] {
			seen[err.Error()] = true
			list = append(list, err)
		}
	}
	if len(list) == 1 {
		return list[0]
	}
	return errors.Join(list...)
}
