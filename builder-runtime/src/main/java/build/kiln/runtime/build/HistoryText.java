package build.kiln.runtime.build;

import build.kiln.runtime.dockerfile.Heredoc;
import build.kiln.runtime.dockerfile.Instruction;
import build.kiln.runtime.dockerfile.Instruction.FileOptions;
import build.kiln.runtime.dockerfile.Word;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** What an image's history says of an expanded instruction. */
final class HistoryText {
  private HistoryText() {}

  /**
   * @param shell what runs the shell form of CMD and ENTRYPOINT
   */
  static String of(Instruction instruction, List<String> shell) {
    return switch (instruction) {
      case Instruction.Env i -> "ENV " + assignments(i.assignments());
      case Instruction.Label i -> "LABEL " + assignments(i.assignments());
      case Instruction.User i -> "USER " + i.user().text();
      case Instruction.Cmd i -> "CMD " + quoted(i.command().arguments(shell));
      case Instruction.Entrypoint i -> "ENTRYPOINT " + quoted(i.command().arguments(shell));
      case Instruction.Shell i -> "SHELL [" + String.join(" ", i.command()) + "]";
      case Instruction.Expose i -> "EXPOSE " + words(i.ports());
      case Instruction.Volume i -> "VOLUME " + words(i.paths());
      case Instruction.StopSignal i -> "STOPSIGNAL " + i.signal().text();
      case Instruction.Copy i ->
          files("COPY", i.sources(), i.heredocs(), i.destination(), i.options(), i.parents());
      case Instruction.Add i ->
          files("ADD", i.sources(), i.heredocs(), i.destination(), i.options(), false);
      case Instruction i -> StepProblems.oneLine(i.original());
    };
  }

  /** Options that change what the files are, then the files; heredocs last. */
  private static String files(
      String name,
      List<Word> sources,
      List<Heredoc> heredocs,
      Word destination,
      FileOptions options,
      boolean parents) {
    var words = new ArrayList<String>(List.of(name));
    if (parents) {
      words.add("--parents");
    }
    if (options.chown() != null) {
      words.add("--chown=" + options.chown().text());
    }
    if (options.chmod() != null) {
      words.add("--chmod=" + options.chmod().text());
    }
    sources.forEach(source -> words.add(source.text()));
    heredocs.forEach(heredoc -> words.add("<<" + heredoc.name()));
    words.add(destination.text());
    return String.join(" ", words);
  }

  /** A list as Go's {@code %q} has it. */
  private static String quoted(List<String> words) {
    return words.stream()
        .map(
            word ->
                '"'
                    + word.replace("\\", "\\\\")
                        .replace("\"", "\\\"")
                        .replace("\n", "\\n")
                        .replace("\t", "\\t")
                    + '"')
        .collect(Collectors.joining(" ", "[", "]"));
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
