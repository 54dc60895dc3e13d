package main

import (
	"time"

	"golang.org/x/sys/unix"
)

// cpu is what the process has used, in user and kernel mode, to the nanosecond: /proc tells it in hundredths of a second, which a
// short round is not much longer than. The clock of another process has its id in the upper bits, inverted, and 2 (CPUCLOCK_SCHED)
// in the lower three, as clock_getcpuclockid(3) makes it.
func (p *process) cpu() (time.Duration, error) {
	var used unix.Timespec
	err := unix.ClockGettime(int32(^p.cmd.Process.Pid<<3|2), &used) //nolint:gosec // process ids have far fewer bits
	return time.Duration(used.Nano()), err
}
