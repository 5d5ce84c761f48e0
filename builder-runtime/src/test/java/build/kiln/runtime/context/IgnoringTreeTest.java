package build.kiln.runtime.context;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import build.kiln.api.v1alpha1.ImageBuildSpec.InlineFile;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class IgnoringTreeTest {
  private static InlineContext context(String ignore, String... paths) throws IOException {
    var files = new ArrayList<>(List.of(new InlineFile(".dockerignore", ignore, 0644)));
    Arrays.stream(paths).forEach(path -> files.add(new InlineFile(path, path, 0644)));
    return InlineContext.of(files);
  }

  private static IgnoringTree view(InlineContext context) throws IOException {
    return IgnoringTree.of(context.tree(), IgnoreFiles.of(context, "Dockerfile"));
  }

  @Test
  void hidesWhatThePatternsSayAndTellsWhy() throws IOException {
    var context =
        context(
            "# no\n\n**/*.pem\nnode_modules\n!node_modules/keep/me\n",
            "Dockerfile",
            "a/b.pem",
            "a/b",
            "node_modules/keep/me",
            "node_modules/x/y",
            "node_modules/keep/not");
    IgnoringTree view = view(context);
    assertThat(Trees.paths(view))
        .containsExactly(
            ".dockerignore",
            "Dockerfile",
            "a",
            "a/b",
            "node_modules",
            "node_modules/keep",
            "node_modules/keep/me");
    assertThat(view.lookup("a/b.pem")).isEmpty();
    assertThat(view.whyHidden("a/b.pem")).contains("**/*.pem (.dockerignore:3)");
    assertThat(view.whyHidden("node_modules/x/y")).contains("node_modules (.dockerignore:4)");
    assertThat(view.whyHidden("node_modules/keep")).isEmpty();
    assertThat(view.whyHidden("nothing.pem")).isEmpty();
    assertThatThrownBy(() -> view.open(context.tree().lookup("a/b.pem").orElseThrow()))
        .hasMessageContaining("hidden");
  }

  @Test
  void aHiddenDirectoryIsHereOnlyForWhatItHolds() throws IOException {
    IgnoringTree view = view(context("*\n!src/*.c\n", "src/a.c", "src/b.h", "lib/d.c", "x/y/z"));
    assertThat(Trees.paths(view)).containsExactly("src", "src/a.c");
    assertThat(view.lookup("lib")).isEmpty();
    assertThat(view.children("lib")).isEmpty();
    assertThat(view.lookup("").orElseThrow().isDirectory()).isTrue();
  }

  @Test
  void theDockerfilesOwnIgnoreFileWins() throws IOException {
    var context = context("*\n", "deploy/Dockerfile", "deploy/Dockerfile.dockerignore", "a", "b");
    assertThat(IgnoreFiles.of(context, "deploy/Dockerfile").excludes("a")).isFalse();
    assertThat(IgnoreFiles.of(context, "Dockerfile").excludes("a")).isTrue();
    // The builder still reads what COPY does not see.
    assertThat(context.read("deploy/Dockerfile", 100)).isPresent();
    assertThat(IgnoreFiles.of(new EmptyContext(), "Dockerfile").isEmpty()).isTrue();
  }
}
