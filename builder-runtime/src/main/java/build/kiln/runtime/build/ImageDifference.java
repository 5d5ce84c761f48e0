package build.kiln.runtime.build;

import java.util.List;

/**
 * What is first found to differ in two images that should be one.
 *
 * @param where such as {@code layer 2 of 3, made by RUN date > /now}
 * @param path of the file in that layer, of the field in that document; empty for all of it
 * @param what differs, each with both values where they can be shown
 * @param times whether nothing but times differs there
 */
public record ImageDifference(String where, String path, List<String> what, boolean times) {
  public ImageDifference {
    what = List.copyOf(what);
  }

  /** In words, several lines. */
  public String text() {
    String place = path.isEmpty() ? where : where + ": " + path;
    String hint =
        times
            ? "\n  only times differ: give the build one, --build-arg SOURCE_DATE_EPOCH=SECONDS"
            : "";
    return "two builds differ in " + place + "\n  " + String.join("\n  ", what) + hint;
  }
}
