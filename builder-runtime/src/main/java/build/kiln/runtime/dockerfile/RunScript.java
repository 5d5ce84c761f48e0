package build.kiln.runtime.dockerfile;

import build.kiln.runtime.dockerfile.Instruction.Run;

/**
 * What a RUN really runs. A here-document that is the whole command is a script: with {@code #!}
 * first it becomes a program in {@link #DIRECTORY} that the shell is told to run, without it is the
 * shell's text. Any other use is put back together for the shell to read. Never expanded here.
 */
public sealed interface RunScript {
  /** Where a script with {@code #!} is seen while it runs; it is never part of the image. */
  String DIRECTORY = "/dev/pipes";

  /** Just a command. */
  record Command(CommandLine command) implements RunScript {}

  /**
   * A program to put, with mode 0755, into {@link #DIRECTORY} first.
   *
   * @param command the shell form that names it
   */
  record Program(String fileName, String content, CommandLine command) implements RunScript {}

  static RunScript of(Run run) {
    if (run.heredocs().isEmpty() || !(run.command() instanceof CommandLine.Shell shell)) {
      return new Command(run.command());
    }
    Heredoc first = run.heredocs().get(0);
    if (Heredocs.of(shell.text(), first.range()).isEmpty()) {
      var whole = new StringBuilder(shell.text());
      run.heredocs().forEach(h -> whole.append('\n').append(h.body()).append(h.name()));
      return new Command(new CommandLine.Shell(whole.toString()));
    }
    if (first.body().startsWith("#!")) {
      return new Program(
          first.fileName(),
          first.content(),
          new CommandLine.Shell(DIRECTORY + "/" + first.fileName()));
    }
    return new Command(new CommandLine.Shell(first.content()));
  }
}
