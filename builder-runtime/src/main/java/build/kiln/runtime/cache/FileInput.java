package build.kiln.runtime.cache;

import build.kiln.runtime.oci.JsonForm;
import build.kiln.runtime.oci.OciException;

/**
 * What a step's key says of one file. As text: kind, mode, owner, content and the rest, with a
 * space between.
 *
 * @param kind such as FILE
 * @param mode octal
 * @param owner {@code uid:gid}
 * @param content a short hash: of a file's bytes, of a link's target, of all below a directory
 *     whose entries are not listed; {@code -} for nothing
 * @param rest a short hash of extended attributes and device numbers; {@code -} for none
 */
public record FileInput(String kind, String mode, String owner, String content, String rest) {
  static final JsonForm<FileInput> JSON = JsonForm.text(FileInput::parse);

  static final String NOTHING = "-";
  private static final int PARTS = 5;

  /**
   * @throws OciException if it is none
   */
  public static FileInput parse(String text) {
    String[] parts = text.split(" ", -1);
    if (parts.length != PARTS) {
      throw new OciException("not the digest of a file: " + text);
    }
    return new FileInput(parts[0], parts[1], parts[2], parts[3], parts[4]);
  }

  FileInput withContent(String newContent) {
    return new FileInput(kind, mode, owner, newContent, rest);
  }

  @Override
  public String toString() {
    return String.join(" ", kind, mode, owner, content, rest);
  }
}
