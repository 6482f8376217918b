package crashtest

import "io"

const childVariable = "SLUICE_CRASHTEST_CHILD"

func child(in io.Reader, out, errs io.Writer) int { return 0 }
