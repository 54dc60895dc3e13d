package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is one that was started for the measurement.
type process struct {
	url   string
	cmd   *exec.Cmd
	input io.Closer // its end is theirs
	ended chan error
}

// address is found in a line of output; "" where there is none.
type address func(line string) string

func wholeLine(line string) string { return line }

// start starts a process and waits until it tells its address, on standard output or, with errors, on standard error.
func start(ctx context.Context, onErrors bool, find address, env []string, words ...string) (*process, error) {
	cmd := exec.CommandContext(ctx, words[0], words[1:]...) //nolint:gosec // the program to measure, and this one
	cmd.Env = append(os.Environ(), env...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	input, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	read, write := io.Pipe()
	cmd.Stdout, cmd.Stderr = io.Writer(write), io.Writer(os.Stderr)
	if onErrors {
		cmd.Stdout, cmd.Stderr = nil, write
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, input: input, ended: make(chan error, 1)}
	go func() {
		err := cmd.Wait()
		_ = write.Close() // the reader sees the end
		p.ended <- err
	}()
	lines := bufio.NewScanner(read)
	var said []string
	for p.url == "" && lines.Scan() {
		said = append(said, lines.Text())
		p.url = find(lines.Text())
	}
	if p.url == "" {
		return nil, fmt.Errorf("%s ended before it was ready: %w\n%s", words[0], <-p.ended, strings.Join(said, "\n"))
	}
	go func() {
		for lines.Scan() {
			if onErrors {
				fmt.Fprintln(os.Stderr, lines.Text()) // what it has to complain of
			}
		}
		_, _ = io.Copy(io.Discard, read) // after a line that is too long
	}()
	return p, nil
}

// stop ends it and waits.
func (p *process) stop() error {
	if p == nil {
		return nil
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	_ = p.input.Close()
	err := <-p.ended
	p.ended <- err
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == -1 {
		return nil // by the signal
	}
	return err
}

func (p *process) file(name string) string {
	return filepath.Join("/proc", strconv.Itoa(p.cmd.Process.Pid), name)
}

// forgetPeak makes the peak of memory what is used now.
func (p *process) forgetPeak() error { return os.WriteFile(p.file("clear_refs"), []byte("5"), 0) }

// memory gives VmRSS (resident now) or VmHWM (its peak), in MiB.
func (p *process) memory(what string) (float64, error) {
	status, err := os.ReadFile(p.file("status"))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if value, found := strings.CutPrefix(line, what+":"); found {
			kib, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 64)
			return kib / 1024, err
		}
	}
	return 0, errors.New("/proc/…/status has no " + what)
}
