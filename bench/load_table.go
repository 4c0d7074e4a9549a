package bench

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// WriteLoads writes what backends did for people.
func WriteLoads(w io.Writer, list []Load) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "backend\tstart ms\thost MiB\tbackend MiB\tevents/s\tnodes/s\thost ns/event\tbackend ns/event\tlost\tstopped over running\t")
	for _, l := range list {
		fmt.Fprintf(tw, "%s\t%.0f\t%.0f\t%.0f\t%.0f\t%.0f\t%.0f\t%.0f\t%d\t%.2f\t\n",
			l.Backend, l.Start, l.HostIdle, l.BackendIdle, l.EventsPerSecond, l.NodesPerSecond, l.HostNanos, l.BackendNanos, l.BurstLost, l.Stopped)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(tw, "\nbackend\tnodes/s\tseconds\thost CPU\tbackend CPU\thost MiB\tbackend MiB\tlost\t")
	for _, l := range list {
		for _, s := range l.Steady {
			fmt.Fprintf(tw, "%s\t%d\t%g\t%.1f%%\t%.1f%%\t%.0f\t%.0f\t%d\t\n",
				l.Backend, s.Nodes, s.Seconds, s.HostCPU, s.BackendCPU, s.HostPeak, s.BackendPeak, s.Lost)
		}
	}
	return tw.Flush()
}
