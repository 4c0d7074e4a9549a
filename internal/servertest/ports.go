package servertest

import (
	"fmt"
	"net"
	"strconv"
)

// URL returns the URL of a path on a port of this machine.
func URL(port int, path string) string { return "http://127.0.0.1:" + strconv.Itoa(port) + path }

// freePorts asks the kernel for ports, holding each until all are found.
func freePorts(n int) ([]int, error) {
	free := make([]int, n)
	for i := range free {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		defer l.Close()
		free[i] = l.Addr().(*net.TCPAddr).Port
	}
	return free, nil
}
