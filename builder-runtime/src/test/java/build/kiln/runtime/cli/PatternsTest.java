package build.kiln.runtime.cli;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.runtime.oci.Reference;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PatternsTest {
  @ParameterizedTest
  @CsvSource({
    "docker.io/library/*, busybox:1, true",
    "docker.io/library/*, shop/api, false",
    "docker.io/*, shop/api, false",
    "docker.io/**, shop/api, true",
    "registry.example.com/shop/**, registry.example.com/shop/a/b:1, true",
    "registry.example.com/shop/**, registry.example.com/shopping/a, false",
    "*.example.com:5000/*, r.example.com:5000/a, true",
    "*.example.com/*, r.example.com.evil.org/a, false",
    "registry.example.com/a, registry.example.com/a@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855, true",
  })
  void aGlobMatchesRegistryAndRepository(String glob, String reference, boolean allowed) {
    assertThat(Patterns.allowing(List.of(glob)).test(Reference.parse(reference)))
        .isEqualTo(allowed);
  }

  @Test
  void noGlobAllowsAllAndSeveralAreAlternatives() {
    Reference any = Reference.parse("x.example.com/y");
    assertThat(Patterns.allowing(null).test(any)).isTrue();
    assertThat(Patterns.allowing(List.of()).test(any)).isTrue();
    assertThat(Patterns.allowing(List.of("a/b", "x.example.com/*")).test(any)).isTrue();
    assertThat(Patterns.allowing(List.of("a/b", "c/d")).test(any)).isFalse();
  }
}
