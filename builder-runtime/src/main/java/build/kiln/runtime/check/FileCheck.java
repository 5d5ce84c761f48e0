package build.kiln.runtime.check;

import build.kiln.runtime.dockerfile.Dockerfile;
import build.kiln.runtime.dockerfile.Instruction;
import build.kiln.runtime.dockerfile.Instruction.From;
import build.kiln.runtime.dockerfile.SourceRange;
import build.kiln.runtime.dockerfile.Stage;
import build.kiln.runtime.dockerfile.Word;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;

/** The rules about a file as it is written, in stages that nobody needs as well. */
final class FileCheck {
  private static final Set<String> RESERVED = Set.of("context", "scratch");

  private final Dockerfile dockerfile;
  private final CheckOptions options;
  private final Report report;
  private final List<Instruction> instructions;

  FileCheck(Dockerfile dockerfile, CheckOptions options, Report report) {
    this.dockerfile = dockerfile;
    this.options = options;
    this.report = report;
    this.instructions = all(dockerfile);
  }

  void run() {
    instructionCasing();
    stageNames();
    for (Instruction instruction : instructions) {
      CheckOptions here = options.with(instruction.origin().comments());
      switch (instruction) {
        case Instruction.Maintainer maintainer ->
            report.add(
                here,
                Rule.MaintainerDeprecated,
                maintainer.origin().keyword(),
                "Maintainer instruction is deprecated in favor of using label");
        case From from when from.stageName() != null ->
            description(here, from, List.of(from.stageName()));
        case Instruction.Arg arg ->
            description(
                here,
                arg,
                arg.declarations().stream().map(Instruction.Arg.Declaration::name).toList());
        default -> {}
      }
    }
  }

  private static List<Instruction> all(Dockerfile dockerfile) {
    var all = new ArrayList<Instruction>(dockerfile.globalArgs());
    for (Stage stage : dockerfile.stages()) {
      all.add(stage.from());
      all.addAll(stage.instructions());
    }
    return all;
  }

  /** A comment describes what stands on the line below it. */
  private void description(CheckOptions here, Instruction instruction, List<String> names) {
    List<Word> comments = instruction.origin().comments();
    if (comments.isEmpty()) {
      return;
    }
    Word last = comments.getLast();
    if (last.range().endLine() == instruction.range().startLine() - 1
        && !names.contains(last.text().split(" ", 2)[0])) {
      report.add(
          here,
          Rule.InvalidDefinitionDescription,
          last.range(),
          "Comment for %s should follow the format: `# %s <description>`"
              .formatted(instruction.name(), names.size() == 1 ? names.getFirst() : "<arg_key>"));
    }
  }

  private void instructionCasing() {
    long lower = instructions.stream().filter(i -> isLower(keyword(i))).count();
    long upper = instructions.stream().filter(i -> isUpper(keyword(i))).count();
    boolean mostlyLower = lower > upper;
    for (Instruction instruction : instructions) {
      String keyword = keyword(instruction);
      if (mostlyLower ? !isLower(keyword) : !isUpper(keyword)) {
        report.add(
            options,
            Rule.ConsistentInstructionCasing,
            instruction.origin().keyword(),
            "Command '%s' should match the case of the command majority (%s)"
                .formatted(keyword, mostlyLower ? "lowercase" : "uppercase"));
      }
    }
  }

  private static String keyword(Instruction instruction) {
    return instruction.original().split("\\s", 2)[0];
  }

  private static boolean isLower(String text) {
    return text.equals(text.toLowerCase(Locale.ROOT));
  }

  private static boolean isUpper(String text) {
    return text.equals(text.toUpperCase(Locale.ROOT));
  }

  private void stageNames() {
    var seen = new TreeSet<String>();
    for (Stage stage : dockerfile.stages()) {
      From from = stage.from();
      From.Alias alias = from.alias();
      if (alias == null) {
        continue;
      }
      CheckOptions here = options.with(from.origin().comments());
      String written = alias.name().text();
      String name = written.toLowerCase(Locale.ROOT);
      SourceRange range = alias.name().range();
      if (!isLower(written)) {
        report.add(
            here,
            Rule.StageNameCasing,
            range,
            "Stage name '%s' should be lowercase".formatted(written));
      }
      if (RESERVED.contains(name)) {
        report.add(
            options,
            Rule.ReservedStageName,
            range,
            "Stage name should not use the same name as reserved stage \"%s\"".formatted(name));
      }
      if (!seen.add(name)) {
        report.add(
            options,
            Rule.DuplicateStageName,
            range,
            "Duplicate stage name \"%s\", stage names should be unique".formatted(name));
      }
      String as = alias.as().text();
      String keyword = keyword(from);
      if (isLower(as) != isLower(keyword) || isUpper(as) != isUpper(keyword)) {
        report.add(
            here,
            Rule.FromAsCasing,
            alias.as().range(),
            "'%s' and '%s' keywords' casing do not match".formatted(as, keyword));
      }
    }
  }
}
