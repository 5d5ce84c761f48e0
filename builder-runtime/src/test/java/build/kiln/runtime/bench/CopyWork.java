package build.kiln.runtime.bench;

import build.kiln.runtime.bench.SourceImages.Content;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * One kind of copy.
 *
 * @param id a short name, for {@code --only}
 * @param title what the table says
 */
record CopyWork(String id, String title, Images images, Start start) {

  /** What the destination has when a copy starts. */
  enum Start {
    /** Nothing. */
    EMPTY,
    /** All of it. */
    DONE,
    /** All, but for one tag that points at another image. */
    CHANGED,
    /** All of it in other repositories: the destination is the source's registry. */
    SAME_REGISTRY
  }

  /** What there is to copy. */
  enum Images {
    ONE(List.of("one"), Optional.of("1")) {
      @Override
      void write(SourceImages source) throws IOException {
        source.push("one:1", sizes(1, 120 * MB, 50 * MB, 20 * MB, 5 * MB));
      }
    },
    SMALL(List.of("small"), Optional.empty()) {
      @Override
      void write(SourceImages source) throws IOException {
        for (int i = 1; i <= 50; i++) {
          source.push("small:" + i, sizes(100L * i, 40_000 + 1_000 * i));
        }
      }
    },
    MANY(names("app-", 20), Optional.empty()) {
      @Override
      void write(SourceImages source) throws IOException {
        for (String repository : repositories) {
          for (int tag = 1; tag <= 25; tag++) {
            source.push(repository + ":" + tag, application(repository, tag));
          }
        }
      }
    },
    HUGE(List.of("huge"), Optional.of("1")) {
      @Override
      void write(SourceImages source) throws IOException {
        source.push("huge:1", sizes(1, 4_000 * MB));
      }
    },
    WIDE(List.of("wide"), Optional.of("1")) {
      @Override
      void write(SourceImages source) throws IOException {
        source.push(
            "wide:1", IntStream.range(0, 16).mapToObj(i -> new Content(i, 250 * MB)).toList());
      }
    },
    LINK(List.of("link"), Optional.of("1")) {
      @Override
      void write(SourceImages source) throws IOException {
        source.push("link:1", sizes(1, 8 * MB, 4 * MB, 2 * MB, 2 * MB, MB, MB));
      }
    };

    private static final long MB = 1_000_000;

    final List<String> repositories;

    /** The only tag; empty for all. */
    final Optional<String> tag;

    Images(List<String> repositories, Optional<String> tag) {
      this.repositories = repositories;
      this.tag = tag;
    }

    abstract void write(SourceImages source) throws IOException;

    private static List<Content> sizes(long firstSeed, long... bytes) {
      var all = new ArrayList<Content>();
      for (long each : bytes) {
        all.add(new Content(firstSeed + all.size(), each));
      }
      return all;
    }

    private static List<String> names(String prefix, int count) {
      return IntStream.rangeClosed(1, count).mapToObj(i -> "%s%02d".formatted(prefix, i)).toList();
    }

    /** On a base that all repositories share, something for all tags of one, and the tag's own. */
    private static List<Content> application(String repository, int tag) {
      long number = 1_000L * (1 + Long.parseLong(repository.substring("app-".length())));
      var layers = new ArrayList<>(sizes(1, 8 * MB, 2 * MB, MB / 2));
      layers.add(new Content(number, 300_000));
      layers.addAll(sizes(number + 10L * tag, 20_000, 20_000));
      return layers;
    }
  }

  /**
   * @param large with 4 GB in one blob and in sixteen
   * @param link what is worth a look over a slow link, and only that
   */
  static List<CopyWork> all(boolean large, boolean link) {
    var all = new ArrayList<CopyWork>();
    if (link) {
      all.add(new CopyWork("link-one", "one image of 18 MB, cold", Images.LINK, Start.EMPTY));
      all.add(new CopyWork("link-one-nothing", "the same, nothing to do", Images.LINK, Start.DONE));
      all.add(new CopyWork("link-small", "50 small tags, cold", Images.SMALL, Start.EMPTY));
      all.add(
          new CopyWork("link-small-nothing", "the same, nothing to do", Images.SMALL, Start.DONE));
      return all;
    }
    all.add(new CopyWork("one", "one image of 195 MB, cold", Images.ONE, Start.EMPTY));
    all.add(new CopyWork("one-nothing", "the same, nothing to do", Images.ONE, Start.DONE));
    all.add(new CopyWork("small", "50 small tags, cold", Images.SMALL, Start.EMPTY));
    all.add(new CopyWork("small-nothing", "the same, nothing to do", Images.SMALL, Start.DONE));
    all.add(
        new CopyWork(
            "many", "500 tags of 20 repositories on one base, cold", Images.MANY, Start.EMPTY));
    all.add(new CopyWork("many-nothing", "the same, nothing to do", Images.MANY, Start.DONE));
    all.add(new CopyWork("many-changed", "the same, one tag changed", Images.MANY, Start.CHANGED));
    all.add(
        new CopyWork(
            "mounts",
            "500 tags to other repositories of one registry",
            Images.MANY,
            Start.SAME_REGISTRY));
    if (large) {
      all.add(new CopyWork("huge", "one blob of 4 GB, cold", Images.HUGE, Start.EMPTY));
      all.add(new CopyWork("wide", "16 blobs of 250 MB, cold", Images.WIDE, Start.EMPTY));
    }
    return all;
  }
}
