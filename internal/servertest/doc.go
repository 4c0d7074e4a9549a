// Package servertest starts servers as processes of a test: on free ports of the
// loopback interface, ended with the test or with its process.
package servertest
