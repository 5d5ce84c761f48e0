package build.kiln.runtime.context;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A repository that the real git makes, bare, with every kind of ref and entry. */
public final class GitFixture {
  /** Commits from the oldest: on main, on main, only on feature. */
  final String first;

  final String main;
  final String feature;

  /** Seconds since the epoch of the commits; git writes what it is told. */
  static final long FIRST_TIME = 1_500_000_000;

  static final long MAIN_TIME = 1_600_000_000;

  public static boolean isGitHere() {
    try {
      return new ProcessBuilder("git", "--version").redirectErrorStream(true).start().waitFor()
          == 0;
    } catch (IOException | InterruptedException e) {
      return false;
    }
  }

  /**
   * @param folder an empty folder; the repository is {@code repo.git} in it
   */
  GitFixture(Path folder) throws IOException, InterruptedException {
    Path work = Files.createDirectory(folder.resolve("work"));
    git(work, 0, "init", "-q", "-b", "main");
    Files.writeString(work.resolve("Dockerfile"), "FROM first\n");
    first = commit(work, FIRST_TIME, "first");
    git(work, 0, "tag", "light");
    git(work, FIRST_TIME, "tag", "-a", "-m", "annotated", "v1.0");
    Files.writeString(work.resolve("Dockerfile"), "FROM main\n");
    Files.createDirectories(work.resolve("app/dir"));
    Files.writeString(work.resolve("app/run me.sh"), "#!/bin/sh\n");
    assertThat(work.resolve("app/run me.sh").toFile().setExecutable(true)).isTrue();
    Files.writeString(work.resolve("app/dir.txt"), "dots sort before slashes");
    Files.writeString(work.resolve("app/dir/größe"), "unicode");
    Files.writeString(work.resolve(".gitattributes"), "*.txt text eol=crlf\n");
    Files.createSymbolicLink(work.resolve("app/link"), Path.of("../Dockerfile"));
    Files.createSymbolicLink(work.resolve("app/loop"), Path.of("loop"));
    git(work, 0, "add", "-A");
    git(work, 0, "update-index", "--add", "--cacheinfo", "160000," + first + ",module");
    main = commit(work, MAIN_TIME, "second");
    git(work, 0, "checkout", "-q", "-b", "feature/x");
    Files.writeString(work.resolve("only"), "feature");
    feature = commit(work, MAIN_TIME + 1, "third");
    git(work, 0, "tag", "main-tag", "main");
    // A branch and a tag of one name.
    git(work, 0, "branch", "both", "main");
    git(work, 0, "tag", "both", "light");
    git(work, 0, "update-ref", "refs/changes/1", first);
    git(work, 0, "tag", "of-a-tree", "main^{tree}");
    git(work, 0, "checkout", "-q", "main");
    git(folder, 0, "clone", "-q", "--mirror", "work", "repo.git");
  }

  private static String commit(Path work, long time, String message)
      throws IOException, InterruptedException {
    git(work, 0, "add", "-A", "--ignore-removal", ".");
    git(work, time, "commit", "-q", "--allow-empty", "-m", message);
    return git(work, 0, "rev-parse", "HEAD");
  }

  public static String git(Path folder, long time, String... arguments)
      throws IOException, InterruptedException {
    var command =
        new ArrayList<>(List.of("git", "-c", "user.name=T", "-c", "user.email=t@example.com"));
    command.addAll(List.of(arguments));
    var builder = new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true);
    builder.environment().put("GIT_CONFIG_GLOBAL", "/dev/null");
    builder.environment().put("GIT_CONFIG_SYSTEM", "/dev/null");
    builder.environment().put("GIT_AUTHOR_DATE", "@" + time + " +0000");
    builder.environment().put("GIT_COMMITTER_DATE", "@" + time + " +0000");
    Process process = builder.start();
    process.getOutputStream().close();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as("%s: %s", command, out).isZero();
    return out.strip();
  }
}
