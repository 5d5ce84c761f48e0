package build.kiln.runtime.build;

import build.kiln.runtime.dockerfile.CommandLine;
import build.kiln.runtime.dockerfile.Instruction;
import build.kiln.runtime.dockerfile.Word;
import java.util.List;
import java.util.stream.Collectors;

/** What an image's history says of an expanded instruction. */
final class HistoryText {
  private HistoryText() {}

  static String of(Instruction instruction) {
    return switch (instruction) {
      case Instruction.Env i -> "ENV " + assignments(i.assignments());
      case Instruction.Label i -> "LABEL " + assignments(i.assignments());
      case Instruction.User i -> "USER " + i.user().text();
      case Instruction.Cmd i -> "CMD " + command(i.command());
      case Instruction.Entrypoint i -> "ENTRYPOINT " + command(i.command());
      case Instruction.Expose i -> "EXPOSE " + words(i.ports());
      case Instruction.Volume i -> "VOLUME " + words(i.paths());
      case Instruction.StopSignal i -> "STOPSIGNAL " + i.signal().text();
      case Instruction i -> StepProblems.oneLine(i.original());
    };
  }

  private static String command(CommandLine command) {
    return switch (command) {
      case CommandLine.Shell shell -> StepProblems.oneLine(shell.text());
      case CommandLine.Exec exec ->
          exec.arguments().stream()
              .map(word -> '"' + word + '"')
              .collect(Collectors.joining(" ", "[", "]"));
    };
  }

  private static String words(List<Word> words) {
    return words.stream().map(Word::text).collect(Collectors.joining(" ", "[", "]"));
  }

  private static String assignments(List<Instruction.Assignment> assignments) {
    return assignments.stream()
        .map(a -> a.name().text() + "=" + a.value().text())
        .collect(Collectors.joining(" "));
  }
}
