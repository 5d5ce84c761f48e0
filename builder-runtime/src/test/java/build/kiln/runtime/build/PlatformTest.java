package build.kiln.runtime.build;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.runtime.build.BuildBench.Built;
import build.kiln.runtime.layer.LayerSource;
import build.kiln.runtime.oci.ImageConfig.ContainerConfig;
import build.kiln.runtime.oci.Platform;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Stages and images of other platforms, without RUN. */
class PlatformTest {
  private static final List<String> PLATFORMS =
      List.of("linux/amd64", "linux/arm64", "linux/arm/v6", "linux/arm/v7", "linux/s390x");

  @TempDir Path folder;
  private BuildBench bench;
  private String base;

  @BeforeEach
  void start() throws IOException {
    bench = new BuildBench(folder);
    bench.file("a.txt", "a");
    Map<Platform, LayerSource> images = new LinkedHashMap<>();
    for (String platform : PLATFORMS) {
      images.put(Platform.parse(platform), sink -> BuildBench.text(sink, "platform", platform));
    }
    base = bench.index("base:1", images, ContainerConfig.empty());
  }

  @AfterEach
  void stop() throws IOException {
    bench.close();
  }

  @Test
  void aBaseIsTakenForThePlatformThatIsBuilt() throws Exception {
    for (String platform : PLATFORMS) {
      bench.request(r -> BuildBench.platform(r, platform));
      Built built = bench.build("FROM " + base + "\nCOPY a.txt /x");

      assertThat(built.text("platform")).isEqualTo(platform);
      assertThat(built.config().platform()).hasToString(platform);
    }
  }

  @Test
  void aStageIsOfThePlatformThatItsFromSays() throws Exception {
    Built built =
        bench.build(
            """
            FROM --platform=linux/arm64 BASE AS one
            FROM --platform=linux/arm/v7 BASE AS two
            FROM --platform=$BUILDPLATFORM BASE AS three
            FROM --platform=linux/s390x one AS four
            FROM scratch
            COPY --from=one platform /one
            COPY --from=two platform /two
            COPY --from=three platform /three
            COPY --from=four platform /four
            COPY --from=BASE platform /five
            """
                .replace("BASE", base));

    assertThat(List.of("one", "two", "three", "four", "five"))
        .extracting(built::text)
        .containsExactly(
            "linux/arm64",
            "linux/arm/v7",
            Platform.host().toString(),
            "linux/arm64",
            Platform.host().toString());
    assertThat(built.config().platform()).isEqualTo(Platform.host());
  }

  /** Nobody said what to build for, so the image is what its base is. */
  @Test
  void anImageIsOfThePlatformOfItsBase() throws Exception {
    Built built = bench.build("FROM --platform=linux/arm/v6 " + base + "\nCOPY a.txt /x");

    assertThat(built.config().platform()).hasToString("linux/arm/v6");
    assertThat(
            bench.build("FROM --platform=linux/arm64 scratch\nCOPY a.txt /x").config().platform())
        .isEqualTo(Platform.host());
  }

  @Test
  void argumentsSayWhatIsBuiltInEveryStage() throws Exception {
    bench.request(r -> BuildBench.platform(r, "linux/arm/v7"));
    Built built =
        bench.build(
            """
            FROM --platform=$BUILDPLATFORM BASE AS build
            ARG BUILDPLATFORM
            ARG TARGETPLATFORM
            ARG TARGETARCH
            ARG TARGETVARIANT
            COPY <<E /args
            $BUILDPLATFORM $TARGETPLATFORM $TARGETARCH $TARGETVARIANT
            E
            FROM --platform=$TARGETPLATFORM BASE
            COPY --from=build /args /platform /
            """
                .replace("BASE", base));

    assertThat(built.text("args")).isEqualTo(Platform.host() + " linux/arm/v7 arm v7\n");
    assertThat(built.text("platform")).isEqualTo(Platform.host().toString());
    assertThat(built.config().platform()).hasToString("linux/arm/v7");
  }

  @Test
  void aPlatformThatABaseIsNotThereForHasItsPlace() {
    BuildException failure =
        catchThrowableOfType(
            BuildException.class,
            () -> bench.build("FROM --platform=linux/riscv64 " + base + "\nCOPY a.txt /"));

    assertThat(failure.reason()).isEqualTo(FailureReason.BaseImageNotFound);
    assertThat(failure)
        .hasMessageContaining("Dockerfile:1:31")
        .hasMessageContaining("is not there for linux/riscv64; it is for linux/amd64, linux/arm64");
  }

  @Test
  void thePictureTellsPlatformsApart() throws Exception {
    BuildGraph graph =
        bench.graph(
            "FROM --platform=linux/s390x %s AS one\nFROM %s\nCOPY --from=one platform /x"
                .formatted(base, base),
            false);

    assertThat(graph.images())
        .extracting(image -> image.self().name())
        .containsExactly(base + " (linux/s390x)", base);
  }
}
