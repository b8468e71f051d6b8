from dheads_model.errors import UserError as UserError
from dheads_model.talker import Talker as Talker
