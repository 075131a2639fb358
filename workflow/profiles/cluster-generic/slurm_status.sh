#!/bin/sh
# What became of a submission to Slurm, whose id is given, in the words of cluster-generic: running, success, failed.
# squeue knows what ended in the last minutes, sacct all, but only where there is an accounting database.
state=$(squeue --noheader --states=all --format=%T --jobs="$1" 2>&1) || case "$state" in
  *"Invalid job id"*)
    state=$(sacct --allocations --noheader --parsable2 --format=State --jobs="$1" 2>/dev/null | head -n 1)
    : "${state:=FORGOTTEN}"
    ;;
esac
case "$state" in
  COMPLETED) echo success ;;
  BOOT_FAIL | CANCELLED* | DEADLINE | FAILED | FORGOTTEN | NODE_FAIL | OUT_OF_MEMORY | PREEMPTED | TIMEOUT) echo failed ;;
  # Also when Slurm does not answer just now.
  *) echo running ;;
esac
