package build.kiln.runtime.sandbox;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/**
 * A variable of a step's environment whose value nobody else may see; it wins over others of its
 * name.
 *
 * @param value its bytes; not to be changed by anybody
 */
public record SecretVariable(String name, byte[] value) {
  public SecretVariable {
    if (name.isEmpty() || name.indexOf('=') >= 0 || name.indexOf(0) >= 0) {
      throw new IllegalArgumentException("not a variable's name: \"" + name + "\"");
    }
    if (!isText(value)) {
      throw new IllegalArgumentException(
          "the value of " + name + " is no text: it is not UTF-8, or has a zero byte");
    }
  }

  private static boolean isText(byte[] value) {
    try {
      return StandardCharsets.UTF_8
          .newDecoder()
          .decode(ByteBuffer.wrap(value))
          .chars()
          .allMatch(c -> c != 0);
    } catch (CharacterCodingException notUtf8) {
      return false;
    }
  }

  /** As text. */
  String text() {
    return new String(value, StandardCharsets.UTF_8);
  }
}
