package main

import (
	"time"

	"healthgraph/server"
)

// admissionSettings bound the operations that are under way.
type admissionSettings struct {
	AdmissionOperations int           `env:"HEALTHGRAPH_ADMISSION_OPERATIONS" default:"0" help:"Operations at a time, per process; 0 for 500 for each CPU."`
	AdmissionWaiting    int           `env:"HEALTHGRAPH_ADMISSION_WAITING" default:"0" help:"Operations that wait for their turn; 0 for as many. The next one is turned away at once."`
	AdmissionWait       time.Duration `env:"HEALTHGRAPH_ADMISSION_WAIT" default:"1s" help:"How long an operation waits for its turn before it is turned away."`
}

func (s *admissionSettings) complain(c *complaints) {
	c.mistake(s.AdmissionOperations < 0, "HEALTHGRAPH_ADMISSION_OPERATIONS must be a number of at least 1, or 0")
	c.mistake(s.AdmissionWaiting < 0, "HEALTHGRAPH_ADMISSION_WAITING must be a number of at least 1, or 0")
	c.mistake(s.AdmissionWait <= 0, "HEALTHGRAPH_ADMISSION_WAIT must be a time of more than nothing, such as 1s")
}

func (s *admissionSettings) admission() server.Admission {
	return server.Admission{Operations: s.AdmissionOperations, Waiting: s.AdmissionWaiting, Wait: s.AdmissionWait}
}
