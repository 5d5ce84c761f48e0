package build.kiln.runtime.differential;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/** All cases. */
final class Corpus {
  private Corpus() {}

  static List<Case> read() {
    URL folder = Objects.requireNonNull(Corpus.class.getResource("/differential"));
    try (Stream<Path> files = Files.list(Path.of(folder.toURI()))) {
      var cases = new ArrayList<Case>();
      for (Path file : files.filter(f -> f.toString().endsWith(".txt")).sorted().toList()) {
        cases.addAll(CorpusFile.read(file));
      }
      return cases;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }
}
