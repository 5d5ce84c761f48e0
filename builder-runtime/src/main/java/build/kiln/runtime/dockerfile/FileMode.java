package build.kiln.runtime.dockerfile;

import java.util.regex.Pattern;

/** The form of {@code --chmod}. */
final class FileMode {
  private static final Pattern OCTAL = Pattern.compile("0*[0-7]{1,4}");
  private static final Pattern SYMBOLIC =
      Pattern.compile("[ugoa]*([-+=]([rwxXst]*|[ugo]))+(,[ugoa]*([-+=]([rwxXst]*|[ugo]))+)*");

  static Word check(Word mode) {
    if (!OCTAL.matcher(mode.text()).matches() && !SYMBOLIC.matcher(mode.text()).matches()) {
      throw new DockerfileException(
          Problem.Code.EXPANSION,
          mode.range(),
          "--chmod is no file mode: \"" + mode + "\"",
          "octal digits up to 7777, or symbolic such as u=rwX,go=rX");
    }
    return mode;
  }

  private FileMode() {}
}
