package build.kiln.runtime.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** {@code crane copy}; it knows no lists of repositories, so several of it do them. */
final class CraneCopies implements CopyTool {
  private static final String AT_ONCE = "4";

  private final String program;

  CraneCopies(String program) {
    this.program = program;
  }

  @Override
  public String name() {
    return "crane";
  }

  @Override
  public String version() throws IOException, InterruptedException {
    return "crane " + Commands.run(List.of(program, "version")).strip();
  }

  @Override
  public List<String> prepare(CopyJob job, Path folder) {
    if (job.tag().isPresent()) {
      return List.of(program, "copy", "--insecure", job.fromImage(), job.toImage());
    }
    String copy = "exec \"$0\" copy --insecure --all-tags --jobs 8 \"$1/$3\" \"$2/$3\"";
    var one = List.of("sh", "-c", copy, program, job.from(), job.to());
    if (job.repositories().size() == 1) {
      var command = new ArrayList<>(one);
      command.add(job.repositories().getFirst());
      return command;
    }
    String all = "names=$1; shift; printf '%s\\n' $names | xargs -n 1 -P " + AT_ONCE + " \"$@\"";
    var command =
        new ArrayList<>(List.of("sh", "-c", all, "sh", String.join(" ", job.repositories())));
    command.addAll(one);
    return command;
  }
}
