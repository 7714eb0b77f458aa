package duck

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
)

// Engine starts the processes that answer, one for each question. The zero value with a Command is ready for use; all methods may be called from many
// goroutines.
type Engine struct {
	Command []string // that runs Serve
	Spare   bool     // keep a process ready for the next question, as to start one takes longer than many an answer; Close ends it

	mu     sync.Mutex
	ready  *process
	closed bool
}

// process is a child: it reads one request from in and answers on out. It ends when in is closed, also where its parent was killed.
type process struct {
	cmd       *exec.Cmd
	in        io.WriteCloser
	out       *os.File
	complaint strings.Builder // to be read when done is closed
	done      chan struct{}
	ended     error
}

func (e *Engine) start() (*process, error) {
	p := &process{cmd: exec.Command(e.Command[0], e.Command[1:]...), done: make(chan struct{})} //nolint:gosec,noctx // our own binary; it is killed by hand, as it may be older than its question
	p.cmd.Env = append(os.Environ(), "TOCSIN_QUERY_CHILD=1")
	p.cmd.Stderr = &p.complaint
	out, to, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start the search engine: %w", err)
	}
	p.out, p.cmd.Stdout = out, to
	if p.in, err = p.cmd.StdinPipe(); err == nil {
		err = p.cmd.Start()
	}
	if err = errors.Join(err, to.Close()); err != nil {
		return nil, fmt.Errorf("start the search engine: %w", errors.Join(err, out.Close()))
	}
	go func() { // it ends with the process
		p.ended = p.cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// take returns a process that has not been asked yet.
func (e *Engine) take() (*process, error) {
	e.mu.Lock()
	p := e.ready
	e.ready = nil
	e.mu.Unlock()
	if p != nil {
		select {
		case <-p.done:
			p.end() // something ended it
		default:
			return p, nil
		}
	}
	return e.start()
}

// prepare sees to it that a process waits for the next question. One that cannot be started is for that question to say.
func (e *Engine) prepare() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.Spare || e.closed || e.ready != nil {
		return
	}
	e.ready, _ = e.start()
}

// Close ends the process that waits. Questions that are asked later start their own.
func (e *Engine) Close() error {
	e.mu.Lock()
	p := e.ready
	e.ready, e.closed = nil, true
	e.mu.Unlock()
	if p != nil {
		p.end()
	}
	return nil
}

func (p *process) kill() { _ = p.cmd.Process.Kill() } // it may have ended

// end kills a process that has not ended, and waits for its end.
func (p *process) end() {
	p.kill()
	<-p.done
	_ = errors.Join(p.in.Close(), p.out.Close()) // nobody reads what may be left
}
