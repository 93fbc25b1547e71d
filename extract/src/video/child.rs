//! Processes of ours: what is meant for us does not reach them, and they do not outlive us.

use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

/// Exit codes by which programs say that a signal ended them: ffmpeg's own, and a shell's for each of [`TOLD`].
const TOLD_CODES: [i32; 6] = [255, 129, 130, 131, 137, 143];
/// Signals that come from outside, and say nothing of what a process was doing.
const TOLD: [Signal; 5] = [
    Signal::SIGHUP,
    Signal::SIGINT,
    Signal::SIGQUIT,
    Signal::SIGKILL,
    Signal::SIGTERM,
];

/// Gives the process a group of its own, so that Ctrl-C in a terminal and `timeout` do not reach it, and has it killed when
/// this thread ends, however it ends.
pub(super) fn keep_apart(command: &mut Command) -> &mut Command {
    command.process_group(0);
    #[cfg(target_os = "linux")]
    die_with_us(command);
    command
}

#[cfg(target_os = "linux")]
fn die_with_us(command: &mut Command) {
    let us = nix::unistd::getpid();
    let before_it_starts = move || {
        nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)?;
        // We may have died before that call.
        if nix::unistd::getppid() == us {
            Ok(())
        } else {
            Err(nix::errno::Errno::ESRCH.into())
        }
    };
    #[allow(unsafe_code, reason = "no safe function sets this in a child alone")]
    // SAFETY: Between fork and exec only two system calls are made; nothing is allocated, no lock is taken.
    unsafe {
        command.pre_exec(before_it_starts);
    }
}

/// Ends the process and those that it started in its group.
pub(super) fn end(child: &mut Child) {
    // One that was waited for is gone, and its number may be another's.
    if let Ok(None) = child.try_wait() {
        if let Ok(group) = i32::try_from(child.id()) {
            let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
        }
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// Whether somebody told the process to end: that says nothing of what it was given.
pub(super) fn was_told_to_end(status: ExitStatus) -> bool {
    match (status.signal(), status.code()) {
        (Some(signal), _) => TOLD.iter().any(|told| *told as i32 == signal),
        (None, Some(code)) => TOLD_CODES.contains(&code),
        (None, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_is_told_from_a_fault() {
        let ended = |script: &str| {
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            was_told_to_end(keep_apart(&mut command).status().unwrap())
        };
        for told in ["kill -TERM $$", "kill -KILL $$", "exit 255", "exit 143"] {
            assert!(ended(told), "{told}");
        }
        for fault in ["exit 0", "exit 1", "exit 187", "kill -SEGV $$"] {
            assert!(!ended(fault), "{fault}");
        }
    }

    #[test]
    fn a_process_has_a_group_of_its_own_and_ends_with_what_it_started() {
        let mut command = Command::new("sh");
        command
            .args(["-c", "sleep 60 & echo $!; wait"])
            .stdout(std::process::Stdio::piped());
        let mut child = keep_apart(&mut command).spawn().unwrap();
        let group = Pid::from_raw(i32::try_from(child.id()).unwrap());
        assert_eq!(nix::unistd::getpgid(Some(group)).unwrap(), group);
        let mut line = String::new();
        let mut said = std::io::BufReader::new(child.stdout.take().unwrap());
        std::io::BufRead::read_line(&mut said, &mut line).unwrap();
        end(&mut child);
        // The other end of the pipe is open as long as one of them lives.
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut said, &mut rest).unwrap();
        assert_eq!(rest, "");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_ends_with_the_thread_that_started_it() {
        let mut child = std::thread::spawn(|| {
            let mut command = Command::new("sleep");
            keep_apart(command.arg("60")).spawn().unwrap()
        })
        .join()
        .unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(9));
    }
}
