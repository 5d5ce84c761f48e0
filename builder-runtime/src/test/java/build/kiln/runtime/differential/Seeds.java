package build.kiln.runtime.differential;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.stream.Stream;

/** What a fuzzer starts from: what other tests are about. */
public final class Seeds {
  private static final Path DOCKERFILES = Path.of("src/test/resources/dockerfile");

  private Seeds() {}

  /** The Dockerfiles of the differential suite and those whose syntax trees are kept. */
  public static Stream<byte[]> dockerfiles() throws IOException {
    var all = new ArrayList<byte[]>();
    try (Stream<Path> files = Files.walk(DOCKERFILES)) {
      for (Path file : files.filter(f -> f.endsWith("Dockerfile")).sorted().toList()) {
        all.add(Files.readAllBytes(file));
      }
    }
    return Stream.concat(
        all.stream(), corpus((test, file) -> file.path().equals(test.dockerfile())));
  }

  /** The texts of the table of words. */
  public static Stream<byte[]> words() throws IOException {
    return rows("shell-words.tsv").map(row -> bytes(row[1]));
  }

  /** The ignore files of the differential suite and the patterns of the table. */
  public static Stream<byte[]> ignoreFiles() throws IOException {
    return Stream.concat(
        rows("ignore.tsv").map(row -> bytes(row[0].replace("|", "\n"))),
        corpus((test, file) -> file.path().endsWith(".dockerignore")));
  }

  private interface Wanted {
    boolean is(Case test, Case.ContextFile file);
  }

  private static Stream<byte[]> corpus(Wanted wanted) {
    return Corpus.read().stream()
        .flatMap(test -> test.files().stream().filter(file -> wanted.is(test, file)))
        .map(file -> bytes(file.content()));
  }

  private static Stream<String[]> rows(String table) throws IOException {
    return Files.readAllLines(DOCKERFILES.resolve(table)).stream()
        .filter(line -> !line.startsWith("# "))
        .map(line -> line.split("\t", -1));
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
