use std::process::ExitCode;

fn main() -> ExitCode {
    jingwen::cli::main()
}
