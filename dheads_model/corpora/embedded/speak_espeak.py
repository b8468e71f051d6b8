"""Command: speech with phoneme times from eSpeak NG (GPL-3.0), in a process of its own.

JSON on standard input: a list of {"text", "voice", "rate" (words a minute), "pitch" (0..99), "wav" (path)}. It writes the
wavs (int16 mono) and prints a JSON list of {"rate": Hz, "phonemes": [[start in seconds, IPA], ...]}.
The library starts this command and never imports it.
"""

import ctypes
import json
import sys
import wave

SYNCHRONOUS, PHONEME_EVENTS, IPA, DO_NOT_EXIT = 2, 1, 2, 0x8000
UTF8_TEXT = 1
RATE_PARAMETER, PITCH_PARAMETER = 1, 3
END_OF_LIST, PHONEME = 0, 7


class Identifier(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", Identifier),
    ]


CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(Event))


def speak(library, rate: int, request: dict) -> dict:
    """Speak one request into its wav; the phonemes with their start times."""
    samples, phonemes = bytearray(), []

    def receive(data, count, events):
        if data and count:
            samples.extend(ctypes.string_at(data, 2 * count))
        index = 0
        while events[index].type != END_OF_LIST:
            if events[index].type == PHONEME:
                name = events[index].id.string.decode("utf-8", "ignore")
                phonemes.append([events[index].audio_position / 1000, name])
            index += 1
        return 0

    callback = CALLBACK(receive)
    library.espeak_SetSynthCallback(callback)
    if library.espeak_SetVoiceByName(request["voice"].encode()):
        raise SystemExit(f"eSpeak NG has no voice {request['voice']}")
    library.espeak_SetParameter(RATE_PARAMETER, request["rate"], 0)
    library.espeak_SetParameter(PITCH_PARAMETER, request["pitch"], 0)
    # Breath and flutter are random, by default seeded with the time.
    library.espeak_ng_SetRandSeed(ctypes.c_long(1))
    text = request["text"].encode()
    library.espeak_Synth(text, len(text) + 1, 0, 0, 0, UTF8_TEXT, None, None)
    library.espeak_Synchronize()
    with wave.open(request["wav"], "wb") as target:
        target.setnchannels(1)
        target.setsampwidth(2)
        target.setframerate(rate)
        target.writeframes(bytes(samples))
    return {"rate": rate, "phonemes": phonemes}


def main() -> None:
    try:
        import espeakng_loader
    except ImportError:
        sys.exit("the embedded corpus needs eSpeak NG: run `pip install espeakng-loader==0.2.4`")
    library = ctypes.CDLL(espeakng_loader.get_library_path())
    options = PHONEME_EVENTS | IPA | DO_NOT_EXIT
    rate = library.espeak_Initialize(SYNCHRONOUS, 0, espeakng_loader.get_data_path().encode(), options)
    if rate <= 0:
        sys.exit("eSpeak NG could not be started")
    json.dump([speak(library, rate, request) for request in json.load(sys.stdin)], sys.stdout)


if __name__ == "__main__":
    main()
