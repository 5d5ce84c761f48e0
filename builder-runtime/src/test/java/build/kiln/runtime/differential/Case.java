package build.kiln.runtime.differential;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributeView;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermission;
import java.time.Instant;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One Dockerfile with its context, and what both builders must do with it.
 *
 * @param where the file and line of the corpus
 * @param platform to build for; null for this machine's
 * @param contexts named ones: a folder of the context, or an image as {@code docker-image://}
 * @param commands run by a shell in the context folder, after the files are written
 * @param refusedByKiln a part of the message with which Kiln must refuse it; null if it must build
 * @param refusedByBuildKit the same for BuildKit
 * @param differences those that are accepted
 */
record Case(
    String name,
    String where,
    String dockerfile,
    @Nullable String target,
    Map<String, String> buildArgs,
    Map<String, String> labels,
    @Nullable String platform,
    Map<String, String> contexts,
    List<ContextFile> files,
    List<String> commands,
    @Nullable String refusedByKiln,
    @Nullable String refusedByBuildKit,
    List<Accepted> differences) {

  /** Every file of a context has this time, except what the commands make. */
  private static final FileTime FILE_TIME = FileTime.from(Instant.parse("2024-05-06T07:08:09Z"));

  /**
   * A file of the context.
   *
   * @param path ends with a slash for a directory
   * @param mode permission bits, or -1 for 0644, of a directory 0755
   * @param link where a symbolic link leads; null for others
   */
  record ContextFile(String path, int mode, @Nullable String link, String content) {}

  /**
   * A difference that is accepted.
   *
   * @param row of the table in docs/dockerfile.md; null for one that is not a build's result
   * @param text a part of the difference's words
   */
  record Accepted(String row, String text) {}

  /** Before the image of a named context. */
  static final String IMAGE = "docker-image://";

  /** Whether its Dockerfile names an image. */
  boolean mentions(String image) {
    return files.stream()
        .anyMatch(file -> file.path.equals(dockerfile) && file.content.contains(image));
  }

  /** Writes the context into an empty folder. */
  void write(Path folder) throws IOException, InterruptedException {
    for (ContextFile file : files) {
      write(folder.resolve(file.path), file);
    }
    date(folder);
    for (String command : commands) {
      run(folder, command);
    }
  }

  private static void write(Path path, ContextFile file) throws IOException {
    if (file.path.endsWith("/")) {
      Files.createDirectories(path);
    } else {
      Files.createDirectories(Objects.requireNonNull(path.getParent()));
      if (file.link == null) {
        Files.writeString(path, file.content, StandardCharsets.UTF_8);
      } else {
        Files.createSymbolicLink(path, Path.of(file.link));
      }
    }
    if (file.mode >= 0) {
      Files.setPosixFilePermissions(path, permissions(file.mode));
    }
  }

  private static Set<PosixFilePermission> permissions(int mode) {
    // The constants' order is that of the bits.
    Set<PosixFilePermission> set = EnumSet.noneOf(PosixFilePermission.class);
    for (PosixFilePermission permission : PosixFilePermission.values()) {
      if ((mode & 0400 >> permission.ordinal()) != 0) {
        set.add(permission);
      }
    }
    return set;
  }

  private static void date(Path folder) throws IOException {
    Files.walkFileTree(
        folder,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            return date(file);
          }

          @Override
          public FileVisitResult postVisitDirectory(Path directory, @Nullable IOException failure)
              throws IOException {
            return date(directory);
          }

          private FileVisitResult date(Path path) throws IOException {
            Files.getFileAttributeView(
                    path, BasicFileAttributeView.class, java.nio.file.LinkOption.NOFOLLOW_LINKS)
                .setTimes(FILE_TIME, null, null);
            return FileVisitResult.CONTINUE;
          }
        });
  }

  private void run(Path folder, String command) throws IOException, InterruptedException {
    Process shell =
        new ProcessBuilder("sh", "-euc", "umask 022; " + command)
            .directory(folder.toFile())
            .redirectErrorStream(true)
            .start();
    shell.getOutputStream().close();
    String output = new String(shell.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (!shell.waitFor(20, TimeUnit.SECONDS) || shell.exitValue() != 0) {
      throw new IOException("%s: $ %s\n%s".formatted(where, command, output));
    }
  }

  @Override
  public String toString() {
    return name;
  }
}
